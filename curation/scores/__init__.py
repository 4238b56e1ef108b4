"""The intent scores: efficacy, contingency and activity, computed from each clip's own pixels and actions."""
