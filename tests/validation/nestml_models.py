"""Parses NESTML files and checks their context conditions, as a JSON task says; prints the messages of each."""

from __future__ import annotations

import json
import sys
import tempfile

from pynestml.cocos.co_cos_manager import CoCosManager
from pynestml.frontend.frontend_configuration import FrontendConfiguration
from pynestml.frontend.pynestml_frontend import init_predefined
from pynestml.utils.logger import Logger, LoggingLevel
from pynestml.utils.model_parser import ModelParser


def messages(path: str, target: str) -> dict[str, list[str]]:
    """Return errors and warnings of one file, and the names of its models."""
    FrontendConfiguration.parse_config(["--input_path", path, "--target_path", target, "--target_platform", "none"])
    init_predefined()
    Logger.init_logger(LoggingLevel.NO)
    unit = ModelParser.parse_file(path)
    models = [] if unit is None else unit.get_model_list()
    for model in models:
        CoCosManager.check_cocos(model)
    found = {
        name: [str(each[-1]) for each in Logger.get_messages(level=level)]
        for name, level in (("errors", LoggingLevel.ERROR), ("warnings", LoggingLevel.WARNING))
    }
    return {**found, "models": [model.get_name() for model in models]}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        result = {path: messages(path, folder) for path in json.load(sys.stdin)["files"]}
    print("RESULT " + json.dumps(result))
