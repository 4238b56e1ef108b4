"""Who acts: scripted agents with human hands, and the random control arm."""
