"""The estimators: scikit-learn's own checks, use inside its tools, and comparison with its networks."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_moons
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_estimator, check_sample_weight_equivalence_on_dense_data

import autograd
import nn
from nn.estimators import MLPClassifier, MLPRegressor

Estimator = MLPClassifier | MLPRegressor
QUICK: dict[str, Any] = {"hidden_layer_sizes": (4,), "learning_rate_init": 0.05, "max_iter": 30, "random_state": 0}
WEIGHTS_IN_BATCHES = (
    "a sample of weight 2 is in one batch, and one that is there twice may be in two, as in scikit-learn's own "
    "estimators that learn by stochastic gradient descent"
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
]
X, Y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]


@pytest.fixture(scope="module")
def fitted() -> MLPClassifier:
    return MLPClassifier(**QUICK).fit(X, NAMES)


# scikit-learn's checks


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_all_checks_of_scikit_learn_but_one(kind: type[Estimator]) -> None:
    """Training is in batches, as it is by default for more than 200 samples; the first failing check raises."""
    results = check_estimator(
        kind(**{**QUICK, "random_state": None, "max_iter": 20}, batch_size=20),
        expected_failed_checks={"check_sample_weight_equivalence_on_dense_data": WEIGHTS_IN_BATCHES},
    )
    not_passed = {result["check_name"]: result["status"] for result in results if result["status"] != "passed"}
    assert not_passed.pop("check_sample_weight_equivalence_on_dense_data") == "xfail"
    assert set(not_passed) <= {"check_array_api_input"}, "which asks for an environment variable"


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_with_one_batch_and_no_shuffling_the_other_check_passes_too(kind: type[Estimator]) -> None:
    estimator = kind(
        **{**QUICK, "solver": "sgd", "momentum": 0.5, "activation": "tanh"}, batch_size=10**6, shuffle=False
    )
    check_sample_weight_equivalence_on_dense_data(kind.__name__, estimator)


# Its tools


def test_in_a_pipeline_and_a_search_over_two_processes() -> None:
    pipeline = make_pipeline(MinMaxScaler(), MLPClassifier(**QUICK))
    grid = {"mlpclassifier__hidden_layer_sizes": [(2,), (5,)]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, NAMES)
    assert search.best_score_ > 0.9
    again = GridSearchCV(pipeline, grid, cv=2).fit(X, NAMES)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"])


def test_scores_are_those_of_a_network() -> None:
    moons, labels = make_moons(200, noise=0.1, random_state=0)
    classifier = MLPClassifier((8,), "tanh", learning_rate_init=0.05, max_iter=100, random_state=0)
    scores = cross_val_score(classifier, moons, labels, cv=3)
    assert scores.mean() > cross_val_score(LogisticRegression(), moons, labels, cv=3).mean() + 0.05
    inputs, targets = load_diabetes(return_X_y=True)
    regressor = MLPRegressor((4,), learning_rate_init=0.01, max_iter=60, alpha=1.0, random_state=0)
    assert cross_val_score(regressor, inputs, targets, cv=3).mean() > 0.35


def test_clone_and_pickle(fitted: MLPClassifier) -> None:
    other = clone(fitted)
    assert other.get_params() == fitted.get_params()
    assert not hasattr(other, "model_")
    for twin in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted), other.fit(X, NAMES)):
        np.testing.assert_array_equal(twin.predict_proba(X), fitted.predict_proba(X))
        assert twin.model_ is not fitted.model_


def test_a_pickle_goes_on_learning() -> None:
    learner = MLPRegressor(**QUICK).partial_fit(X, Y)
    twin = pickle.loads(pickle.dumps(learner))
    assert twin.partial_fit(X, Y).model_.state_dict() == learner.partial_fit(X, Y).model_.state_dict()


# Inputs and outputs


def test_string_labels_and_probabilities(fitted: MLPClassifier) -> None:
    assert fitted.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    probabilities = fitted.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(probabilities), rtol=1e-10)
    assert (fitted.predict(X) == fitted.classes_[probabilities.argmax(axis=1)]).all()
    assert fitted.score(X, NAMES) > 0.9


def test_a_data_frame_and_the_names_of_its_columns() -> None:
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(long=X[:, 2] > 3)
    classifier = MLPClassifier(**QUICK).fit(frame, pd.Series(NAMES))
    assert classifier.feature_names_in_.tolist() == ["a", "b", "c", "d", "long"]
    numbers = frame.to_numpy(dtype=float)
    same = MLPClassifier(**QUICK).fit(numbers, NAMES)
    np.testing.assert_array_equal(classifier.predict_proba(frame), same.predict_proba(numbers))
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.predict(frame.rename(columns={"a": "other"}))


def test_the_network_of_values_computes_what_is_predicted(fitted: MLPClassifier) -> None:
    row = fitted.scaler_.transform(X[77:78])[0]
    logits = fitted.model_(row)
    shares = [share.data for share in autograd.softmax(logits)]
    np.testing.assert_allclose(shares, fitted.predict_proba(X[77:78])[0], rtol=1e-12)
    assert "<svg" in nn.draw(fitted.model_, row).svg
    bias = fitted.model_.layers[1].neurons[0].bias
    assert str(autograd.explain(logits[0], bias)).startswith("da2[0]/db2[0] = ∂a2[0]/∂b2[0]\n              = 1.0\n")
    assert [layer.shape for layer in fitted.coefs_] == [(4, 4), (4, 3)]
    assert [layer.shape for layer in fitted.intercepts_] == [(4,), (3,)]


def test_the_network_of_a_regression_has_standardised_targets() -> None:
    targets = np.column_stack([100 * X[:, 0], X[:, 1] - 7])
    regressor = MLPRegressor(**QUICK).fit(X[:, 2:], targets)
    outputs = nn.predict(regressor.model_, regressor.scaler_.transform(X[:, 2:]))
    predicted = regressor.predict(X[:, 2:])
    np.testing.assert_allclose(predicted, outputs * targets.std(axis=0) + targets.mean(axis=0), rtol=1e-12)
    assert predicted.shape == (150, 2)
    assert regressor.score(X[:, 2:], targets) > Ridge().fit(X[:, 2:], targets).score(X[:, 2:], targets) - 0.1


# Training


def test_the_cost_is_that_of_scikit_learn() -> None:
    """The cost is the cross-entropy plus ½ α Σ w² over the samples, here of a network that does not change."""
    still = {**QUICK, "learning_rate_init": 1e-12, "max_iter": 1, "alpha": 3.0}
    classifier = MLPClassifier(**still).fit(X, NAMES)
    penalty = 0.5 * 3.0 * sum((layer**2).sum() for layer in classifier.coefs_) / 150
    entropy = -classifier.predict_log_proba(X)[np.arange(150), Y].mean()
    assert classifier.loss_ == pytest.approx(entropy + penalty, rel=1e-9)
    regressor = MLPRegressor(**still).fit(X, X[:, 0])
    errors = (regressor.predict(X) - X[:, 0]) / X[:, 0].std()
    penalty = 0.5 * 3.0 * sum((layer**2).sum() for layer in regressor.coefs_) / 150
    assert regressor.loss_ == pytest.approx(0.5 * (errors**2).mean() + penalty, rel=1e-9)


@pytest.mark.parametrize("early", [False, True])
def test_weight_0_is_the_same_as_leaving_a_sample_out(early: bool) -> None:
    """Scaling, the part set aside for early stopping, and the classes do not depend on such samples either."""
    weights = np.where(np.arange(150) % 3 == 1, 0.0, 1.0 + np.arange(150) % 4)
    given = X + 1000.0 * (weights == 0)[:, None]
    names = np.where(weights > 0, NAMES, "outlier")
    settings = {**QUICK, "batch_size": 16, "early_stopping": early, "validation_fraction": 0.3, "n_iter_no_change": 2}
    with_zeros = MLPClassifier(**settings).fit(given, names, weights)
    without = MLPClassifier(**settings).fit(X[weights > 0], NAMES[weights > 0], weights[weights > 0])
    assert with_zeros.model_.state_dict() == without.model_.state_dict()
    assert with_zeros.loss_curve_ == without.loss_curve_
    assert with_zeros.classes_.tolist() == without.classes_.tolist()
    regressors = [
        MLPRegressor(**settings).fit(given, given[:, 0], weights),
        MLPRegressor(**settings).fit(X[weights > 0], X[weights > 0, 0], weights[weights > 0]),
    ]
    np.testing.assert_array_equal(regressors[0].predict(X), regressors[1].predict(X))


@pytest.mark.parametrize("weights", [-np.ones(150), np.zeros(150), np.full(150, np.nan)])
def test_weights_that_make_no_cost_are_refused(weights: Any) -> None:
    with pytest.raises(ValueError, match="sample_weight must"):
        MLPClassifier(**QUICK).fit(X, Y, weights)


def test_learning_in_parts() -> None:
    order = np.random.default_rng(0).permutation(150)
    classifier = MLPClassifier(**{**QUICK, "learning_rate_init": 0.1})
    with pytest.raises(ValueError, match="first call of partial_fit needs classes="):
        classifier.partial_fit(X, NAMES)
    for _ in range(8):
        for part in np.split(order, 3):
            classifier.partial_fit(X[part], NAMES[part], classes=np.unique(NAMES))
    assert classifier.score(X, NAMES) > 0.85
    assert classifier.n_iter_ == len(classifier.loss_curve_) == 24
    classifier.partial_fit(X[:2], NAMES[:2], sample_weight=[1.0, 2.0])
    with pytest.raises(ValueError, match="must be those of the first call"):
        classifier.partial_fit(X, NAMES, classes=["setosa", "other"])
    with pytest.raises(ValueError, match="class 'other', which is not one of"):
        classifier.partial_fit(X[:2], ["setosa", "other"])


def test_a_warm_start_goes_on_from_the_weights_before() -> None:
    warm = MLPRegressor(**QUICK, warm_start=True).fit(X, Y)
    first = warm.model_.state_dict()
    assert warm.fit(X, Y).loss_ < warm.loss_curve_[0]
    assert warm.n_iter_ == 60
    assert warm.model_.state_dict() != first
    cold = MLPRegressor(**QUICK).fit(X, Y)
    assert cold.fit(X, Y).model_.state_dict() == first


def test_training_ends_where_the_cost_falls_no_more() -> None:
    ended = MLPClassifier(**{**QUICK, "max_iter": 500, "tol": 0.01, "n_iter_no_change": 3}).fit(X, NAMES)
    assert ended.n_iter_ < 500
    *before, latest = ended.loss_curve_[-5:]
    assert min(before) - latest < 0.01
    with pytest.warns(ConvergenceWarning, match="max_iter=2 epochs, while the cost was still falling"):
        MLPClassifier(**{**QUICK, "max_iter": 2}).fit(X, NAMES)


def test_early_stopping_keeps_the_best_epoch() -> None:
    settings = {**QUICK, "early_stopping": True, "n_iter_no_change": 3, "max_iter": 200, "learning_rate_init": 0.2}
    stopped = MLPClassifier(**settings).fit(X, NAMES)
    assert stopped.n_iter_ < 200
    shorter = MLPClassifier(**{**settings, "max_iter": stopped.n_iter_ - 3}).fit(X, NAMES)
    assert shorter.model_.state_dict() == stopped.model_.state_dict()


def test_verbose_prints_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    MLPRegressor(**{**QUICK, "max_iter": 2}, verbose=True).fit(X, Y)
    assert [line.split(",")[0] for line in capsys.readouterr().out.splitlines()] == ["Iteration 1", "Iteration 2"]


class Interrupting(io.StringIO):
    """A terminal whose user presses Ctrl-C when the second line is printed."""

    def write(self, text: str) -> int:
        if text.startswith("Iteration 2"):
            raise KeyboardInterrupt
        return len(text)


def test_ctrl_c_keeps_what_was_learned() -> None:
    with contextlib.redirect_stdout(Interrupting()):
        interrupted = MLPRegressor(**QUICK, verbose=True).fit(X, Y)
    assert interrupted.n_iter_ == 2
    two_epochs = MLPRegressor(**{**QUICK, "max_iter": 2}).fit(X, Y)
    np.testing.assert_array_equal(interrupted.predict(X), two_epochs.predict(X))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"activation": "swish"}, "activation must be one of identity, logistic, tanh, relu, softplus, got 'swish'"),
        ({"solver": "lbfgs"}, "solver must be 'adam' or 'sgd', got 'lbfgs'"),
        ({"alpha": -1.0}, r"alpha must be 0 or more, got -1\.0"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1, got 0"),
        ({"max_iter": 2.5}, r"max_iter must be an integer of at least 1, got 2\.5"),
        ({"validation_fraction": 1.0}, r"validation_fraction must be between 0 and 1, got 1\.0"),
        ({"learning_rate_init": 0.0}, r"learning_rate must be a positive number, got 0\.0"),
        ({"hidden_layer_sizes": (0,)}, "neurons"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_by_fit(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**{**QUICK, **settings}).fit(X, Y)


def test_before_fit_there_is_nothing_to_predict_with() -> None:
    with pytest.raises(NotFittedError):
        MLPRegressor().predict(X)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu", "softplus"])
def test_arrays_compute_what_the_network_does(activation: Any) -> None:
    regressor = MLPRegressor((3, 2), activation, max_iter=1, random_state=0).fit(X, Y)
    outputs = nn.predict(regressor.model_, regressor.scaler_.transform(X))
    np.testing.assert_allclose(regressor.target_scaler_.transform(regressor.predict(X)[:, None]), outputs, atol=1e-12)


def test_without_scikit_learn_it_says_what_to_install(run_python: Callable[..., str]) -> None:
    code = """
import sys
sys.modules["sklearn"] = None
import nn
try:
    nn.estimators.MLPClassifier
except ModuleNotFoundError as error:
    print(error)
"""
    assert run_python(code) == "nn.estimators needs scikit-learn 1.6 or newer: pip install 'scikit-learn>=1.6'\n"
