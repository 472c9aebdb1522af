"""The command `tamis`: fit, predict, score, leaderboard, resume, demo."""
