"""Sigmoid networks of scalar Values, in the notation of the texts on backpropagation.

>>> from nn import MLP, half_squared_error
>>> model = MLP(2, [3, 1], seed=0)
>>> loss = half_squared_error(model([1.0, 0.5]), 1.0)
>>> loss.backward()
>>> delta = model.layers[1].neurons[0].bias.grad  # ∂C/∂b = δ
"""

import typing as _typing

import autograd as _autograd

if not hasattr(_autograd, "Value"):
    raise ImportError(
        "nn needs lucidgrad's package 'autograd', but another package of that name (HIPS/autograd) is installed, "
        "or pip has left only a part of ours. Remove both, then install lucidgrad again: "
        "pip uninstall -y autograd lucidgrad, then pip install lucidgrad (or pip install . in its checkout)"
    )

from autograd.support.foreign_names import explain_imports as _explain_imports
from autograd.support.foreign_names import missing as _missing
from nn.data import one_hot
from nn.descent import Optimizer
from nn.drawing import draw
from nn.exchange import from_torch, to_torch
from nn.foreign_names import OF_PACKAGE as _OF_PACKAGE
from nn.initializers import constant, glorot, he, normal, uniform
from nn.layers import MLP, Layer, Neuron
from nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
    hinge,
    mean_squared_error,
)
from nn.module import Module
from nn.optimizers import SGD, Adam, AdamW
from nn.plots import decision_boundary, plot_accuracy, plot_cost, weight_images
from nn.schedules import cosine_decay, step_decay
from nn.sequences import CausalSelfAttention, Embedding, RMSNorm
from nn.training.evaluation import accuracy, confusion_matrix
from nn.training.fit import fit
from nn.training.history import Epoch, History
from nn.training.models import load, read_metadata, save
from nn.training.prediction import predict

if _typing.TYPE_CHECKING:
    from nn import estimators as estimators
else:  # with a __getattr__, type checkers would accept any name

    def __getattr__(name: str) -> object:
        if name == "estimators":  # imports scikit-learn on first use
            from importlib import import_module

            return import_module("nn.estimators")
        raise _missing("nn", name, _OF_PACKAGE)

    _explain_imports("nn", _OF_PACKAGE)


__all__ = [
    "MLP",
    "SGD",
    "Adam",
    "AdamW",
    "CausalSelfAttention",
    "Embedding",
    "Epoch",
    "History",
    "Layer",
    "Module",
    "Neuron",
    "Optimizer",
    "RMSNorm",
    "accuracy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "confusion_matrix",
    "constant",
    "cosine_decay",
    "cross_entropy",
    "decision_boundary",
    "draw",
    "fit",
    "from_torch",
    "glorot",
    "half_squared_error",
    "he",
    "hinge",
    "load",
    "mean_squared_error",
    "normal",
    "one_hot",
    "plot_accuracy",
    "plot_cost",
    "predict",
    "read_metadata",
    "save",
    "step_decay",
    "to_torch",
    "uniform",
    "weight_images",
]
