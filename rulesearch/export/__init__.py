"""Floor 8: rules and runs as files for papers, programs and other people's tools."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from rulesearch.export.exporting import FORMATS, export

__all__ = ["FORMATS", "export"]


class _CallablePackage(ModuleType):
    """This package, callable: once anything of it is imported, `rulesearch.export` is the package itself."""

    def __call__(self, *arguments: Any, **options: Any) -> str:
        return export(*arguments, **options)


sys.modules[__name__].__class__ = _CallablePackage
