"""Recording a desktop: its frames and its input events, on one clock."""
