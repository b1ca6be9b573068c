"""The base class of both estimators: parameters, and training of the network."""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from autograd import Value
from autograd.arrays import ArrayLike, NDArray
from autograd.reading import numbers_of
from nn.conversion import Array, as_weights
from nn.descent import Optimizer
from nn.layers import MLP
from nn.losses import Loss, penalised
from nn.optimizers import SGD, Adam
from nn.training.fit import fit
from nn.training.patience import Stalled

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "logistic": lambda z: np.exp(-np.logaddexp(0, -z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "softplus": lambda z: np.logaddexp(0, z),
}
"""Functions of arrays by scikit-learn's names, and `softplus`."""


Samples = tuple[Array, Array, Array | None]
"""Inputs, targets, weights."""


class BaseMLP(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A multi-layer perceptron; subclasses define the meaning of targets and outputs."""

    model_: MLP
    n_layers_: int
    n_outputs_: int
    n_iter_: int
    loss_: float
    best_loss_: float

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: Literal["identity", "logistic", "tanh", "relu", "softplus"] = "relu",
        *,
        solver: Literal["adam", "sgd"] = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
    ) -> None:
        """Store the training settings. As usual in scikit-learn, `fit` validates them.

        Args:
            hidden_layer_sizes: the number of neurons of each hidden layer; a single number for one layer.
            activation: of hidden neurons: "identity", "logistic", "tanh", "relu" or "softplus".
            solver: "adam", or "sgd" for gradient descent with momentum.
            alpha: strength of the penalty ½ α Σ w² on the weights, divided by the number of samples in a batch.
            batch_size: samples per update; "auto" means 200, or all if there are fewer.
            learning_rate_init: the learning rate.
            max_iter: the maximum number of epochs.
            shuffle: whether to shuffle the samples in each epoch.
            random_state: an integer for reproducible results, a `RandomState`, or None.
            tol, n_iter_no_change: stop after `n_iter_no_change` epochs that did not lower the cost by `tol`.
            verbose: whether to print the cost of each epoch.
            warm_start: whether `fit` continues from the weights and scaling of the previous `fit`.
            momentum: the momentum of "sgd".
            early_stopping: whether to set a part of the samples aside, stop when their cost has not fallen for
                `n_iter_no_change` epochs, and keep the weights of the best epoch.
            validation_fraction: the fraction of samples to set aside.
            beta_1, beta_2, epsilon: settings of "adam".
        """
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change

    # Implemented by the classifier and the regressor

    @abstractmethod
    def _validated(self, X: Any, y: Any, reset: bool) -> tuple[Array, NDArray[Any]]:
        """Return the user's data as arrays, checked by scikit-learn."""

    @abstractmethod
    def _read_targets(
        self, y: NDArray[Any], weights: Array | None, fresh: bool, classes: ArrayLike | None = None
    ) -> Array:
        """Encode the targets for the network; if `fresh`, fit their encoding first."""

    @abstractmethod
    def _loss(self) -> Loss:
        """Return the loss of a sample."""

    def _strata(self, targets: Array) -> NDArray[Any] | None:
        """Return each sample's class, for stratified splits; None if there are no classes."""
        return None

    # Training

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the network to samples.

        Args:
            X: an array or data frame of numbers, of shape (samples, features).
            y: one class or number per sample, or a row of numbers.
            sample_weight: one number per sample, 0 or more; 0 leaves the sample out.

        Raises:
            ValueError, TypeError: for invalid parameters or data.
            FloatingPointError: if the weights overflow or become nan.
        """
        fresh = not (self.warm_start and hasattr(self, "model_"))
        samples = self._read(X, y, sample_weight, fresh)
        chance = check_random_state(self.random_state)
        if fresh:
            self._start(samples[0].shape[1], samples[1].shape[1], chance)
        self._optimizer = self._new_optimizer()
        self._learn(samples, self.max_iter, int(chance.randint(2**31 - 1)))
        return self

    def _partial_fit(self, X: Any, y: Any, sample_weight: ArrayLike | None, classes: ArrayLike | None = None) -> Self:
        fresh = not hasattr(self, "model_")
        samples = self._read(X, y, sample_weight, fresh, classes)
        if not hasattr(self, "_chance"):
            self._chance = check_random_state(self.random_state)
        if fresh:
            self._start(samples[0].shape[1], samples[1].shape[1], self._chance)
            self._optimizer = self._new_optimizer()
        self._learn(samples, 1, int(self._chance.randint(2**31 - 1)), in_parts=True)
        return self

    def _read(
        self, X: Any, y: Any, sample_weight: ArrayLike | None, fresh: bool, classes: ArrayLike | None = None
    ) -> Samples:
        """Return standardised inputs, encoded targets, and weights, without the samples of weight 0."""
        self._check_parameters()
        X, y = self._validated(X, y, fresh)
        if isinstance(sample_weight, (int, float)):
            sample_weight = np.full(len(X), sample_weight)
        weights = as_weights(sample_weight, len(X))
        if weights is not None:
            used = weights > 0
            X, y, weights = X[used], y[used], weights[used]
        targets = self._read_targets(y, weights, fresh, classes)
        if fresh:
            self.scaler_ = StandardScaler().fit(X, sample_weight=weights)
        return self.scaler_.transform(X), targets, weights

    def _check_parameters(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {self.activation!r}")
        if self.solver not in ("adam", "sgd"):
            raise ValueError(f"solver must be 'adam' or 'sgd', got {self.solver!r}")
        if not 0 <= self.alpha < np.inf:
            raise ValueError(f"alpha must be 0 or more, got {self.alpha!r}")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(f"validation_fraction must be between 0 and 1, got {self.validation_fraction!r}")
        for name in ("max_iter", "n_iter_no_change", *(() if self.batch_size == "auto" else ("batch_size",))):
            count = getattr(self, name)
            if isinstance(count, bool) or not hasattr(count, "__index__") or count < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {count!r}")

    def _start(self, features: int, outputs: int, chance: np.random.RandomState) -> None:
        sizes = self.hidden_layer_sizes
        hidden = [sizes] if isinstance(sizes, (int, np.integer)) else [*sizes]
        activation: Any = "sigmoid" if self.activation == "logistic" else self.activation
        self.model_ = MLP(features, [*hidden, outputs], activation, "identity", seed=int(chance.randint(2**31 - 1)))
        self.n_layers_, self.n_outputs_ = len(hidden) + 2, outputs
        self.loss_curve_: list[float] = []

    def _new_optimizer(self) -> Optimizer:
        parameters = self.model_.parameters()
        if self.solver == "sgd":
            return SGD(parameters, self.learning_rate_init, self.momentum)
        return Adam(parameters, self.learning_rate_init, (self.beta_1, self.beta_2), self.epsilon)

    def _learn(self, samples: Samples, epochs: int, seed: int, in_parts: bool = False) -> None:
        """Train for some epochs, or until the cost stops falling; `in_parts` is one epoch on a part of the samples."""
        validation, patience = None, None
        if self.early_stopping and not in_parts:
            samples, validation = self._split(samples, seed)
            patience = self.n_iter_no_change
        inputs, targets, weights = samples
        size = min(200 if self.batch_size == "auto" else self.batch_size, len(inputs))
        weight_of_batch = size * (1.0 if weights is None else float(weights.mean()))
        stalled = Stalled(self.tol, math.inf if patience else self.n_iter_no_change, self.verbose)
        history = fit(
            self.model_,
            inputs,
            targets,
            loss=penalised(self._loss(), self._weights(), self.alpha / weight_of_batch),
            optimizer=self._optimizer,
            epochs=epochs,
            batch_size=size,
            sample_weight=weights,
            validation=validation,
            patience=patience,
            shuffle=self.shuffle,
            seed=seed,
            progress=False,
            callbacks=() if in_parts else (stalled,),
        )
        if not len(history):
            raise KeyboardInterrupt  # interrupted in the first epoch, so there is no result
        self.loss_curve_ = [*self.loss_curve_, *history.costs]
        self.n_iter_ = len(self.loss_curve_)
        self.loss_, self.best_loss_ = self.loss_curve_[-1], min(self.loss_curve_)
        if not in_parts and len(history) == epochs and not stalled.is_exhausted:
            warnings.warn(
                f"training stopped after max_iter={epochs} epochs, while the cost was still falling: increase max_iter",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _weights(self) -> list[Value]:
        """Return the weights of the network, without its biases."""
        return [weight for layer in self.model_.layers for neuron in layer.neurons for weight in neuron.weights]

    def _split(self, samples: Samples, seed: int) -> tuple[Samples, Samples]:
        """Split into a training part and a validation part."""
        inputs, targets, weights = samples
        learn, validate = train_test_split(
            np.arange(len(inputs)),
            test_size=self.validation_fraction,
            stratify=self._strata(targets),
            random_state=seed,
        )
        learned, held_out = (
            (inputs[part], targets[part], None if weights is None else weights[part]) for part in (learn, validate)
        )
        return learned, held_out

    # Prediction

    def _outputs(self, X: Any) -> Array:
        """Compute the outputs of the network, with arrays."""
        check_is_fitted(self, "model_")
        a: Array = self.scaler_.transform(validate_data(self, X, reset=False, dtype=np.float64))
        hidden = ACTIVATIONS[self.activation]
        for k, (weights, biases) in enumerate(zip(self.coefs_, self.intercepts_)):
            z = a @ weights + biases
            a = z if k == self.n_layers_ - 2 else hidden(z)
        return a

    @property
    def coefs_(self) -> list[Array]:
        """Return the weights of each layer, of shape (inputs, neurons)."""
        layers = self.model_.layers
        return [np.array([numbers_of(neuron.weights) for neuron in layer.neurons]).T for layer in layers]

    @property
    def intercepts_(self) -> list[Array]:
        """Return the biases of each layer."""
        return [np.array(numbers_of([neuron.bias for neuron in layer.neurons])) for layer in self.model_.layers]
