"""Auto-sklearn's first program, with only its import changed."""

import sklearn.datasets
import sklearn.metrics
import sklearn.model_selection

from tamis import AutoSklearnClassifier

X, y = sklearn.datasets.load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = sklearn.model_selection.train_test_split(X, y, random_state=1)
automl = AutoSklearnClassifier()
automl.fit(X_train, y_train)
y_hat = automl.predict(X_test)
print("Accuracy score", sklearn.metrics.accuracy_score(y_test, y_hat))
