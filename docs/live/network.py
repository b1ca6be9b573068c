import nn

model = nn.MLP(8, [4, 3], seed=0)
inputs, target = [0.0, 0.5, 1.0, 0.5, 0.0, 0.25, 0.75, 0.25], 2
nn.draw(model, inputs, target).save("network.html")
