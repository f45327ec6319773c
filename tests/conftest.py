"""What all tests share: Hypothesis without a clock, so that a busy machine does not make a test fail."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("rulesearch", deadline=None, max_examples=100, derandomize=True)
settings.load_profile("rulesearch")
