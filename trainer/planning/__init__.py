"""What a run will take, in closed form: operations, memory, and the lines that say so before the first step."""
