"""What is predicted and how a prediction is judged: kinds of tasks, targets and metrics."""
