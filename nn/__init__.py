"""Sigmoid networks of scalar Values."""

from nn.layers import MLP, Layer, Neuron
from nn.module import Module
