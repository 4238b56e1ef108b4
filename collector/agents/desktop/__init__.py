"""Agents of desktops: they find elements with AT-SPI and Playwright and act through the X server alone."""
