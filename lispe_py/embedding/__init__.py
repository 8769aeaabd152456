"""What the class ``LispE`` offers to Python programs, a module a topic."""
