"""Classes of short texts: words and characters are enough here; an encoder, where one is installed, is left out."""

from tamis import TextClassifier

GOOD = ["a lovely film", "what a fine day", "the food was very nice", "so good, we come again", "great service 😀"]
BAD = ["an awful film", "what a dull day", "the food was cold and bad", "never again, so sad", "rude service 😡"]

texts = [f"{text}{end}" for text in GOOD + BAD for end in ("", "!", ", really", " indeed")]
labels = ["good"] * 20 + ["bad"] * 20

model = TextClassifier(max_trials=2, backbone="none").fit(texts, labels)
for text in ("a lovely day", "bad food, rude people"):
    print(f"{text!r} is {model.predict([text])[0]}")
print(model.leaderboard_[["model", "score"]].to_string(index=False))
