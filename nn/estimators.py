"""Networks as estimators of scikit-learn, for its pipelines, searches and scores.

Parameters and attributes are named as those of `sklearn.neural_network`. Inside is a network of Values that `nn.fit`
trains: `estimator.model_`, to draw and to explain. What reaches it is standardised by `estimator.scaler_`; a regression
learns standardised targets, see `target_scaler_`.

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
    """A multi-layer perceptron that tells classes apart, by softmax and cross-entropy; of two classes, by the logistic.

    Attributes:
        classes_: the classes, sorted; labels of any kind, strings too.
        model_: the network, from standardised inputs to logits: one a class; of two classes, that of the second.
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
        """Learn for one epoch from a part of the samples. The first call decides the scaling.

        Args:
            X, y, sample_weight: as in `fit`.
            classes: all classes there are; the first call needs them.
        """
        if classes is None and not hasattr(self, "model_"):
            raise ValueError("the first call of partial_fit needs classes=, all that there are")
        if classes is not None and hasattr(self, "model_") and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes must be those of the first call, {self.classes_}; got {classes}")
        return self._partial_fit(X, y, sample_weight, classes)

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, a column each, in the order of `classes_`."""
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of each probability."""
        logits = self._outputs(X)
        if len(self.classes_) == 1:
            return np.zeros((len(logits), 1))
        if len(self.classes_) == 2:
            return -np.logaddexp(0, np.hstack([logits, -logits]))
        return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each sample."""
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
            raise ValueError(f"y holds the class {unknown[:1].tolist()[0]!r}, which is none of {self.classes_}")
        places = np.searchsorted(self.classes_, y)
        if len(self.classes_) < 3:
            return places.astype(float)[:, None]
        return np.eye(len(self.classes_))[places]

    def _loss(self) -> Loss:
        return cross_entropy if len(self.classes_) > 2 else binary_cross_entropy_with_logits

    def _strata(self, targets: Array) -> NDArray[Any] | None:
        return targets.argmax(axis=1) if targets.shape[1] > 1 else targets[:, 0]


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """A multi-layer perceptron that predicts a number, or several, by half their mean squared error.

    Attributes:
        model_: the network, from standardised inputs to standardised targets.
        scaler_, target_scaler_: the `StandardScaler` of the inputs, and that of the targets.
        coefs_, intercepts_, loss_curve_, loss_, best_loss_, n_iter_, n_layers_, n_outputs_, out_activation_,
        n_features_in_, feature_names_in_: as scikit-learn's; the losses are of standardised targets.
    """

    target_scaler_: Any

    def partial_fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Learn for one epoch from a part of the samples. The first call decides the scaling. Arguments as in `fit`."""
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> Array:
        """The predicted number of each sample; a row of them where the network learned rows."""
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
    """Half the mean of (o − e)² over the outputs, as scikit-learn has it."""
    return 0.5 * mean_squared_error(outputs, targets)
