// The optimizers' rules, as defined by IsometryGraph's `Update`. Included once for each instruction
// set.

#define AT_ELEMENT(base) load(VL_FLOAT32, base, i, count)
#define PUT_ELEMENT(base, v) store(VL_FLOAT32, base, i, v, count)

void VL(sgd)(const vl_rule *rule, float *parameter, const float *gradient, float *momentum,
             int64_t n) {
  const vl_rule r = *rule;
  FOR_ELEMENTS(n, {
    vf p = AT_ELEMENT(parameter);
    vf g = AT_ELEMENT(gradient) * r.gradient_scale;
    g += r.weight_decay * p;
    vf direction = g;
    if (momentum) {
      vf m = r.momentum * AT_ELEMENT(momentum) + g;
      PUT_ELEMENT(momentum, m);
      direction = r.nesterov ? g + r.momentum * m : m;
    }
    PUT_ELEMENT(parameter, p - r.learning_rate * direction);
  });
}

void VL(adam)(const vl_rule *rule, float *parameter, const float *gradient, float *first,
              float *second, int64_t n) {
  const vl_rule r = *rule;
  FOR_ELEMENTS(n, {
    vf p = AT_ELEMENT(parameter);
    vf g = AT_ELEMENT(gradient) * r.gradient_scale;
    if (r.decoupled) {
      p -= r.learning_rate * r.weight_decay * p;
    } else {
      g += r.weight_decay * p;
    }
    vf m = r.beta1 * AT_ELEMENT(first) + r.new_share1 * g;
    vf v = r.beta2 * AT_ELEMENT(second) + r.new_share2 * g * g;
    PUT_ELEMENT(first, m);
    PUT_ELEMENT(second, v);
    vf spread = __builtin_elementwise_sqrt(v * r.correction2) + r.epsilon;
    PUT_ELEMENT(parameter, p - r.learning_rate * (m * r.correction1) / spread);
  });
}

void VL(rms_prop)(const vl_rule *rule, float *parameter, const float *gradient, float *square,
                  float *momentum, int64_t n) {
  const vl_rule r = *rule;
  FOR_ELEMENTS(n, {
    vf p = AT_ELEMENT(parameter);
    vf g = AT_ELEMENT(gradient) * r.gradient_scale + r.weight_decay * p;
    vf s = r.beta1 * AT_ELEMENT(square) + r.new_share1 * g * g;
    PUT_ELEMENT(square, s);
    vf direction = g / (__builtin_elementwise_sqrt(s) + r.epsilon);
    if (momentum) {
      direction += r.momentum * AT_ELEMENT(momentum);
      PUT_ELEMENT(momentum, direction);
    }
    PUT_ELEMENT(parameter, p - r.learning_rate * direction);
  });
}
