"""Networks as scikit-learn estimators, for its pipelines, searches and scores.

Parameters and attributes have the names used in `sklearn.neural_network`. `estimator.model_` is a network of Values,
trained by `nn.fit`, that can be drawn and explained. Its inputs are standardised by `estimator.scaler_`; the targets of
a regression are standardised by `target_scaler_`.

>>> import nn
>>> from sklearn.datasets import load_iris
>>> X, y = load_iris(return_X_y=True)
>>> classifier = MLPClassifier((5,), learning_rate_init=0.03, tol=1e-3, random_state=0)
>>> classifier.fit(X, y).score(X, y) > 0.95
True
>>> picture = nn.draw(classifier.model_, classifier.scaler_.transform(X[:1])[0])
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from autograd.arrays import ArrayLike, NDArray
from nn.conversion import Array
from nn.losses import Loss, Numbers, binary_cross_entropy_with_logits, cross_entropy, mean_squared_error

try:
    from sklearn.base import ClassifierMixin, RegressorMixin
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils import column_or_1d
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import validate_data

    from nn.estimator_base import BaseMLP
except ImportError as error:
    raise ModuleNotFoundError(
        "nn.estimators needs scikit-learn 1.6 or newer: pip install 'scikit-learn>=1.6'", name="sklearn"
    ) from error

__all__ = ["MLPClassifier", "MLPRegressor"]


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """A multi-layer perceptron classifier with softmax and cross-entropy, or the logistic function for two classes.

    Attributes:
        classes_: the classes, sorted; labels of any type, including strings.
        model_: the network from standardised inputs to logits: one per class, or one for the second of two classes.
        scaler_: the `StandardScaler` of the inputs.
        coefs_, intercepts_, loss_curve_, loss_, best_loss_, n_iter_, n_layers_, n_outputs_, out_activation_,
        n_features_in_, feature_names_in_: as scikit-learn's.
    """

    classes_: NDArray[Any]

    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on a part of the samples. The first call determines the scaling.

        Args:
            X, y, sample_weight: as in `fit`.
            classes: all classes; required in the first call.
        """
        if classes is None and not hasattr(self, "model_"):
            raise ValueError("the first call of partial_fit needs classes=, the list of all classes")
        if classes is not None and hasattr(self, "model_") and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes must be those of the first call, {self.classes_}; got {classes}")
        return self._partial_fit(X, y, sample_weight, classes)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, one column per class in the order of `classes_`."""
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of each probability."""
        logits = self._outputs(X)
        if len(self.classes_) == 1:
            return np.zeros((len(logits), 1))
        if len(self.classes_) == 2:
            return -np.logaddexp(0, np.hstack([logits, -logits]))
        return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each sample."""
        places = self.predict_log_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[places])

    def _validated(self, X: Any, y: Any, reset: bool) -> tuple[Array, NDArray[Any]]:
        X, y = validate_data(self, X, y, reset=reset, dtype=np.float64)
        check_classification_targets(y)
        return X, column_or_1d(y, warn=True)

    def _read_targets(
        self, y: NDArray[Any], weights: Array | None, fresh: bool, classes: ArrayLike | None = None
    ) -> Array:
        if fresh:
            self.classes_ = np.unique(y if classes is None else classes)
            self.out_activation_ = "softmax" if len(self.classes_) > 2 else "logistic"
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y holds the class {unknown[:1].tolist()[0]!r}, which is not one of {self.classes_}")
        places = np.searchsorted(self.classes_, y)
        if len(self.classes_) < 3:
            return places.astype(float)[:, None]
        return np.eye(len(self.classes_))[places]

    def _loss(self) -> Loss:
        return cross_entropy if len(self.classes_) > 2 else binary_cross_entropy_with_logits

    def _strata(self, targets: Array) -> NDArray[Any] | None:
        return targets.argmax(axis=1) if targets.shape[1] > 1 else targets[:, 0]


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """A multi-layer perceptron that predicts one number or several, trained on half the mean squared error.

    Attributes:
        model_: the network, from standardised inputs to standardised targets.
        scaler_, target_scaler_: the `StandardScaler` of the inputs, and that of the targets.
        coefs_, intercepts_, loss_curve_, loss_, best_loss_, n_iter_, n_layers_, n_outputs_, out_activation_,
        n_features_in_, feature_names_in_: as in scikit-learn; losses refer to standardised targets.
    """

    target_scaler_: Any

    def partial_fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one epoch on a part of the samples, as in `fit`. The first call determines the scaling."""
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> Array:
        """Return the predicted number of each sample, or a row of numbers if the targets were rows."""
        outputs = self._outputs(X)
        numbers: Array = self.target_scaler_.inverse_transform(outputs)
        return numbers if self.n_outputs_ > 1 else numbers[:, 0]

    def _validated(self, X: Any, y: Any, reset: bool) -> tuple[Array, NDArray[Any]]:
        X, y = validate_data(self, X, y, reset=reset, dtype=np.float64, multi_output=True, y_numeric=True)
        return X, y.astype(float).reshape(len(y), -1)

    def _read_targets(
        self, y: NDArray[Any], weights: Array | None, fresh: bool, classes: ArrayLike | None = None
    ) -> Array:
        if fresh:
            self.target_scaler_ = StandardScaler().fit(y, sample_weight=weights)
            self.out_activation_ = "identity"
        targets: Array = self.target_scaler_.transform(y)
        return targets

    def _loss(self) -> Loss:
        return half_mean_squared_error

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def half_mean_squared_error(outputs: Numbers, targets: Numbers) -> Any:
    """Compute half the mean of (o − e)² over the outputs, as scikit-learn does."""
    return 0.5 * mean_squared_error(outputs, targets)
