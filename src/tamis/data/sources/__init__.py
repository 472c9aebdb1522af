"""Tables in other forms than plain text, and what all of them share: opening and typing."""
