"""Array programs as models of ONNX."""
