"""Agents of desktops: they look with AT-SPI and Playwright and act through the X server alone."""
