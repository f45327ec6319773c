"""Measurements: tables as labs have them, and what stands behind them."""
