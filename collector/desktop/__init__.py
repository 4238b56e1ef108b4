"""Recording a desktop: frames, input events and the session around them."""
