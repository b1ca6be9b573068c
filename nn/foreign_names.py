"""Names from micrograd, PyTorch, Keras, scikit-learn and Nielsen's book, with their equivalents here."""

from __future__ import annotations

_LAYER = "nn.Layer(nin, nout, activation='identity') is a layer, nn.MLP(nin, [nout, ...]) a network"
_ACTIVATION = "layers take its name: nn.Layer(nin, nout, activation={!r}); autograd.{} is the function"
_FIT = "write nn.fit(model, inputs, targets)"
_MODES = "networks compute the same while training and afterwards; nn.predict records no graph"
_PLACE = "numbers are Python floats, on the processor"
_MODULES = "they are its attributes, such as model.layers; model.named_parameters() has the names"
_RATE = "it is called learning_rate here; optimizer.learning_rate may be changed at any time"
_EPOCHS = "it is called epochs here"
_OPTIMIZER = "it belongs to the optimizer: optimizer=nn.SGD(model.parameters(), learning_rate=0.1)"
_LOSS = "it is called loss here, and takes a function such as nn.half_squared_error"
_INPUTS, _TARGETS = "it is called inputs here", "it is called targets here"
_HELD_OUT = "write validation=(inputs, targets), with samples that are not trained on"
_ACTIVATES = "it is called activation here: 'sigmoid', 'tanh', 'relu', 'softplus' or 'identity'"
_SIZES = "write nn.MLP(number of inputs, [neurons of each layer])"
_WEIGHTS, _BIAS = "neuron.weights is the list of its weights", "neuron.bias is its bias"
_NEURONS = "weights belong to neurons: layer.neurons[j].weights[k], layer.neurons[j].bias"

_ANY_LOSS = "a loss is any function of output and target: loss=lambda a, y: abs(a - y)"
_RULE = "nn.SGD, nn.Adam and nn.AdamW are the optimizers; another rule is a class that derives from nn.Optimizer"
_RATES = "give the optimizer a function of the step: nn.SGD(parameters, nn.step_decay(...)) or nn.cosine_decay"
_DATA = "nn.fit takes lists, arrays and data frames, and makes batches itself: batch_size=32"
_LOOPS = "there is no such layer: derive a class from nn.Module, and write it with loops over Values in forward"
_CLIPPED = "the optimizer clips gradients: nn.SGD(parameters, 0.1, max_gradient_norm=1.0)"

OF_PACKAGE = {
    "Value": "it is in the package autograd: from autograd import Value",
    "engine": "the engine is the package autograd: from autograd import Value",
    "Linear": _LAYER,
    "Dense": _LAYER,
    "Sequential": "nn.MLP is a stack of layers; for another, derive a class from nn.Module and call them in forward",
    "ModuleList": "a plain list of modules will do, as an attribute of an nn.Module",
    "ModuleDict": "a plain dict of modules will do, as an attribute of an nn.Module",
    "Parameter": "an autograd.Value in an attribute of an nn.Module is a parameter",
    "ParameterList": "a plain list of autograd.Value will do, as an attribute of an nn.Module",
    "Sigmoid": _ACTIVATION.format("sigmoid", "sigmoid"),
    "Tanh": _ACTIVATION.format("tanh", "tanh"),
    "ReLU": _ACTIVATION.format("relu", "relu"),
    "Softplus": _ACTIVATION.format("softplus", "softplus"),
    "Softmax": "autograd.softmax is the function; nn.cross_entropy takes logits, and needs none",
    "MSELoss": "nn.mean_squared_error is the function; nn.half_squared_error is the cost of the texts",
    "BCELoss": "nn.binary_cross_entropy is the function",
    "BCEWithLogitsLoss": "nn.binary_cross_entropy_with_logits is the function",
    "CrossEntropyLoss": "nn.cross_entropy is the function, of logits",
    "functional": "activations are in autograd (autograd.relu), losses in nn (nn.cross_entropy)",
    "init": "nn.glorot(), nn.he(), nn.normal() and nn.uniform() draw weights: nn.MLP(..., initializer=nn.he())",
    "optim": "nn.SGD, nn.Adam and nn.AdamW are the optimizers",
    "Identity": "nn.Layer(nin, nout, activation='identity') is linear",
    **dict.fromkeys(("Conv1d", "Conv2d", "RNN", "LSTM", "GRU", "Transformer", "LayerNorm", "BatchNorm1d"), _LOOPS),
    **dict.fromkeys(("Dropout", "Flatten", "GELU", "LeakyReLU"), _LOOPS),
    "MultiheadAttention": "nn.CausalSelfAttention is attention of several heads, to earlier positions",
    "NLLLoss": "nn.cross_entropy takes logits, and does both steps",
    **dict.fromkeys(("L1Loss", "HuberLoss"), _ANY_LOSS),
    "mse_loss": "nn.mean_squared_error is the function",
    "softmax_cross_entropy": "nn.cross_entropy is the function, of logits",
    **{name: f"autograd.{name} is the function" for name in ("relu", "sigmoid", "tanh", "softmax", "softplus")},
    **dict.fromkeys(("RMSprop", "Adagrad", "LBFGS"), _RULE),
    **dict.fromkeys(("lr_scheduler", "StepLR", "CosineAnnealingLR"), _RATES),
    **dict.fromkeys(("DataLoader", "Dataset", "TensorDataset"), _DATA),
    **dict.fromkeys(("utils", "clip_grad_norm_"), _CLIPPED),
    "Network": _SIZES,
    "Trainer": _FIT,
}

OF_MODULES = {
    **dict.fromkeys(("train", "eval"), _MODES),
    **dict.fromkeys(("to", "cpu", "cuda", "float", "double", "half"), _PLACE),
    **dict.fromkeys(("children", "modules", "named_children", "named_modules"), _MODULES),
    **dict.fromkeys(("fit", "SGD"), _FIT),
    "predict": "write nn.predict(model, inputs)",
    "evaluate": "write nn.accuracy(model, inputs, targets)",
    "score": "write nn.accuracy(model, inputs, targets)",
    "feedforward": "call it: model(inputs), or nn.predict(model, samples) for many",
    "summary": "print(model) lists its layers, nn.draw(model) draws them",
    "backward": "a loss goes backward: loss.backward()",
    "requires_grad_": "leave frozen parameters out of the optimizer's list",
    "register_parameter": "assign it: self.w = Value(0.0)",
    "register_buffer": "assign it: a plain number, or a Constant",
    "add_module": "assign it to an attribute",
    "apply": "write for name, parameter in model.named_parameters(): ...",
    **dict.fromkeys(("get_weights", "set_weights"), "model.state_dict() has the numbers, load_state_dict() sets them"),
    "compile": "write autograd.compile(lambda x, y: loss(model(x), y), *one_sample), or let nn.fit do it",
}

OF_NEURONS = {"w": _WEIGHTS, "b": _BIAS, "nonlin": "neuron.activation is the name of its activation"}

OF_LAYERS = dict.fromkeys(("w", "b", "weight", "weights", "bias", "biases"), _NEURONS) | {
    "in_features": "len(layer.neurons[0].weights)",
    "out_features": "len(layer.neurons)",
}

OF_NETWORKS = dict.fromkeys(("w", "b", "weights", "biases"), f"{_NEURONS}, of each of model.layers") | {
    **dict.fromkeys(("weight", "bias"), f"{_NEURONS}, of each of model.layers"),
    **dict.fromkeys(("sizes", "sz"), "[model.nin, *(len(layer.neurons) for layer in model.layers)]"),
    "num_layers": "len(model.layers)",
}

OF_OPTIMIZERS = {
    "lr": _RATE,
    "param_groups": "optimizer.parameters is the list, optimizer.learning_rate the rate of all of them",
}

OF_MODULE_ARGUMENTS = {
    **dict.fromkeys(("nonlin", "nonlinearity"), _ACTIVATES),
    **dict.fromkeys(("in_features", "n_in", "input_size", "input_dim"), "it is called nin here"),
    **dict.fromkeys(("out_features", "n_out", "units"), "it is called nout here, nouts in nn.MLP"),
    **dict.fromkeys(("sizes", "layers", "hidden_layer_sizes", "hidden_sizes"), _SIZES),
    "random_state": "it is called seed here",
    "dtype": _PLACE,
    "device": _PLACE,
}

OF_OPTIMIZER_ARGUMENTS = {
    "lr": "it is called learning_rate here",
    "eta": "it is called learning_rate here",
    "alpha": "it is called learning_rate here",
    "params": "it is called parameters here: model.parameters()",
    "model": "give its parameters: model.parameters()",
    "eps": "it is called epsilon here",
    "beta1": "it is called betas here, a pair: betas=(0.9, 0.999)",
    "beta2": "it is called betas here, a pair: betas=(0.9, 0.999)",
    "max_norm": "it is called max_gradient_norm here",
    "clipnorm": "it is called max_gradient_norm here",
    "nesterov": "there is plain momentum: momentum=0.9",
    "amsgrad": "there is plain Adam",
}

OF_ZERO_GRAD = {"set_to_none": "a gradient is a number, and is set to 0.0; leave it out"}

OF_SGD_ARGUMENTS = OF_OPTIMIZER_ARGUMENTS | {
    "weight_decay": "it is called decay here, the fraction that each weight loses in an update: PyTorch's times the "
    "learning rate"
}

OF_ADAM_ARGUMENTS = OF_OPTIMIZER_ARGUMENTS | {
    "weight_decay": "nn.AdamW has it, as the fraction that each weight loses in an update: PyTorch's times the "
    "learning rate"
}

OF_FIT_ARGUMENTS = {
    **dict.fromkeys(("X", "x", "data", "samples", "x_train"), _INPUTS),
    **dict.fromkeys(("y", "Y", "labels", "y_train"), _TARGETS),
    **dict.fromkeys(("lr", "learning_rate", "eta", "momentum", "weight_decay"), _OPTIMIZER),
    **dict.fromkeys(("criterion", "loss_fn", "cost", "loss_function"), _LOSS),
    **dict.fromkeys(("n_epochs", "num_epochs", "max_iter", "nb_epoch"), _EPOCHS),
    **dict.fromkeys(("validation_data", "validation_split", "test_data", "eval_set", "val_data"), _HELD_OUT),
    **dict.fromkeys(("mini_batch_size", "batch"), "it is called batch_size here"),
    "verbose": "it is called progress here: progress=False shows no bar",
    "random_state": "it is called seed here",
    "callback": "it is called callbacks here, and takes a list of functions (model, history)",
    "early_stopping": "write patience=10, with validation=(inputs, targets)",
    "metrics": "cost and accuracy are always measured; nn.confusion_matrix tells more",
    "device": _PLACE,
}
