"""Names from micrograd, microgpt, PyTorch, JAX and HIPS/autograd, and what to write here instead."""

from __future__ import annotations

_GRADIENT = "write `v.grad = 0.0`, or for a whole model model.zero_grad() or optimizer.zero_grad()"
_NUMBER = "v.data is the number"
_ONE_FLOAT = "a Value is one Python float, v.data, on the CPU"
_UNCHANGED = "arithmetic never changes nodes, so you can use v itself; copy.copy(v) is a new leaf or node"
_NOT_IN_PLACE = "arithmetic never changes nodes: write v = v + 1.0, or assign to v.data of a leaf"
_COMPUTED = "v.data was computed when the node was made"
_CLAMP = "write autograd.minimum(autograd.maximum(v, low), high)"
_LOG_SOFTMAX = "subtract autograd.logsumexp(logits) from each of the logits"
_LISTS = "use a list of Values: [Value(0.0) for _ in range(n)], or autograd.array of one"
_RANDOM = "use Python's random numbers: Value(random.gauss(0.0, 1.0))"
_NN = "networks are the package nn: write import nn"
_VECTORS = "autograd.dot(xs, ys) is a sum of products; NumPy's functions take autograd.array of Values"
_OWN_RULE = "autograd.primitive(name, forward, derivatives) adds an operation with its derivative"
_JACOBIAN = "autograd.jacobian(f)"
_ENGINE = "write from autograd import Value"

OF_VALUES = {
    # micrograd
    "_prev": "v.parents is a tuple of the nodes it was computed from, in order",
    "_op": "v.op is the symbol of its operation",
    "_backward": "v.local_derivatives holds the derivative to each parent; v.backward() runs the backward pass",
    # microgpt
    "_children": "v.parents is a tuple of the nodes it was computed from, in order",
    "_local_grads": "v.local_derivatives holds the derivative to each parent",
    # PyTorch and others
    "item": _NUMBER,
    "tolist": _NUMBER,
    "numpy": _NUMBER,
    "value": _NUMBER,
    "shape": _ONE_FLOAT,
    "dtype": _ONE_FLOAT,
    "device": _ONE_FLOAT,
    "to": _ONE_FLOAT,
    "cpu": _ONE_FLOAT,
    "cuda": _ONE_FLOAT,
    "gradient": "v.grad is the derivative with respect to v of the Value that backward() was called on",
    "children": "v.parents is a tuple of the nodes it was computed from, in order",
    "name": "v.label is its name",
    "requires_grad": "every Value has a gradient; autograd.no_grad() records no graph, v.detach() is a constant",
    "requires_grad_": "every Value has a gradient; autograd.no_grad() records no graph, v.detach() is a constant",
    "is_leaf": "a leaf has no parents: `not v.parents`",
    "grad_fn": "v.op is the symbol of its operation, v.parents are its operands",
    "retain_grad": "every node keeps its gradient",
    "register_hook": "after backward() every node has its gradient in v.grad, and its edges in v.local_derivatives",
    "zero_grad": _GRADIENT,
    "zero_": _GRADIENT,
    **dict.fromkeys(("clone", "copy"), _UNCHANGED),
    **dict.fromkeys(("add_", "mul_", "sub_", "copy_", "fill_"), _NOT_IN_PLACE),
    "pow": "write v**n",
    "square": "write v**2",
    "reciprocal": "write 1 / v",
    "abs": "write abs(v)",
    "neg": "write -v",
    "mul": "write a * b",
    "add": "write a + b",
    "sub": "write a - b",
    "div": "write a / b",
    **dict.fromkeys(("matmul", "dot"), "autograd.dot(xs, ys) is a sum of products"),
    **dict.fromkeys(("clamp", "clip"), _CLAMP),
    "leaky_relu": "write autograd.maximum(v, 0.01 * v)",
    "sign": "write autograd.copysign(1.0, v)",
    "softmax": "autograd.softmax takes the list of Values",
    "log_softmax": _LOG_SOFTMAX,
    "sum": "a Value is one number; autograd.sum takes a list of Values",
    "mean": "a Value is one number; autograd.mean takes a list of Values",
    "max": "a Value is one number; autograd.max takes a list of Values",
    "min": "a Value is one number; autograd.min takes a list of Values",
    **dict.fromkeys(("reshape", "view", "squeeze", "unsqueeze", "flatten"), _ONE_FLOAT),
    **dict.fromkeys(("T", "ndim", "size", "astype"), _ONE_FLOAT),
    **dict.fromkeys(("realize", "block_until_ready"), _COMPUTED),
    "build_topo": "autograd.topological_order(v) lists the nodes, parents first",
}

OF_VALUE_ARGUMENTS = {
    "requires_grad": "every Value has a gradient; write Value(2.0)",
    "dtype": "a Value is one Python float; write Value(2.0)",
    "device": "a Value is one Python float; write Value(2.0)",
    "name": "write Value(2.0, label='x')",
    "_label": "write Value(2.0, label='x')",
    "value": "the number is called data: write Value(2.0)",
    "grad": "it starts at 0; assign to v.grad to change it",
    "_children": "nodes are made by arithmetic, or by autograd.primitive for your own operation",
    "_op": "nodes are made by arithmetic, or by autograd.primitive for your own operation",
}

OF_BACKWARD = {
    "retain_graph": "a graph lives as long as it is referenced, so leave it out; leaves accumulate at each call",
    "create_graph": "for higher derivatives nest autograd.grad: grad(grad(f))(2.0)",
    "inputs": "every leaf receives its gradient; autograd.grad(f, argnums=...) returns selected ones",
    "grad_tensors": "the gradient to start from is called gradient: v.backward(2.0)",
}

OF_TRANSFORMS = {
    "argnum": "it is called argnums here, and takes an integer or a tuple of integers",
    "has_aux": "autograd.compile has has_aux; here return one number, and compute the rest separately",
    "create_graph": "transforms nest without it: grad(grad(f))(2.0)",
    "retain_graph": "each call records its own graph; leave it out",
    "inputs": "write grad(f)(x), which returns the derivative with respect to x",
}

OF_PACKAGE = {
    # modules
    "numpy": "NumPy's own functions take Values: write import numpy as np",
    "scipy": "autograd.math has erf, gamma, lgamma and more; autograd.primitive adds your own function",
    "misc": "nn.Adam and nn.SGD are the optimizers; the transforms take and return nested lists directly",
    "test_util": "autograd.check_gradient(f, *args)",
    "extend": _OWN_RULE,
    "builtins": "transforms take Python's own lists, tuples and dicts",
    "engine": _ENGINE,
    "nn": _NN,
    "functional": "grad, jacobian, hessian, jvp and value_and_grad are in autograd itself",
    "optim": "the optimizers are in the package nn: nn.SGD, nn.Adam and nn.AdamW",
    "random": _RANDOM,
    "lax": "write plain Python: loops over numbers compile to loops; autograd.where(condition, a, b) chooses",
    # numbers and arrays
    **dict.fromkeys(
        ("Tensor", "tensor"), "autograd.Value(2.0) is a number with a gradient; autograd.array holds several of them"
    ),
    "Variable": "autograd.Value(2.0) is a number with a gradient",
    "Parameter": "autograd.Value(2.0) is a number with a gradient",
    **dict.fromkeys(("zeros", "ones", "arange", "asarray"), _LISTS),
    **dict.fromkeys(("rand", "randn", "manual_seed"), _RANDOM),
    **dict.fromkeys(("stack", "cat", "concatenate"), "use lists of Values: write xs + ys"),
    # networks
    **dict.fromkeys(("Module", "MLP", "Layer", "Neuron", "SGD", "Adam", "one_hot", "cross_entropy"), _NN),
    # derivatives
    "Function": _OWN_RULE,
    **dict.fromkeys(("custom_vjp", "custom_jvp", "custom_gradient", "defvjp", "defjvp"), _OWN_RULE),
    "backward": "write loss.backward()",
    "vjp": "autograd.value_and_grad and loss.backward(gradient) run reverse mode; autograd.jvp runs forward mode",
    "elementwise_grad": "write [autograd.grad(f)(x) for x in xs]",
    "make_vjp": "autograd.value_and_grad(f), or loss.backward(gradient)",
    "make_jvp": "autograd.jvp(f, primals, tangents)",
    "linearize": "autograd.jvp(f, primals, tangents)",
    **dict.fromkeys(("jacfwd", "jacrev"), _JACOBIAN),
    "hvp": "autograd.hessian_vector_product(f, x, vector)",
    "make_hvp": "autograd.hessian_vector_product(f, x, vector)",
    **dict.fromkeys(("gradcheck", "check_grads"), "autograd.check_gradient(f, *args)"),
    "stop_gradient": "write v.detach()",
    "checkpoint": "graphs keep every node; compiled programs choose what to keep: autograd.compile(f, *examples)",
    **dict.fromkeys(("set_grad_enabled", "inference_mode"), "write with autograd.no_grad():"),
    "enable_grad": "autograd.no_grad() ends with its block; afterwards everything is recorded again",
    # programs and pictures
    "jit": "autograd.compile(f, *examples), which also vectorizes over batches",
    "vmap": "autograd.compile(f, *examples) returns a program that runs on batches",
    "make_jaxpr": "autograd.compile(f, *examples).source is the program; autograd.draw(v) shows the graph",
    **dict.fromkeys(("draw_dot", "trace"), "autograd.draw(v) draws its graph"),
    "build_topo": "autograd.topological_order(v) lists the nodes, parents first",
    # functions of numbers
    "pow": "write v**n",
    "power": "write v**n",
    "square": "write v**2",
    "abs": "write abs(v)",
    "add": "write a + b",
    "mul": "write a * b",
    **dict.fromkeys(("matmul", "einsum"), _VECTORS),
    **dict.fromkeys(("clamp", "clip"), _CLAMP),
    "log_softmax": _LOG_SOFTMAX,
    **{f"arc{name}": f"autograd.a{name}, as in math" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "tan2")},
}
