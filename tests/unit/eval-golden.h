/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SHA-256 of the JSON of some samples: task, seed, units, turns, hard; even lines measure, odd ones train.
 * Printed by `build/tests/unit/test-eval -p /eval/same-bytes --verbose` when a line does not hold.
 */
{"kv", 1, 40, 5, FALSE, "7e496cae9bd9db821728498d39b7437520ecb033306cd556515f9f0b42092067"},
{"kv", 2, 40, 5, TRUE, "3989c5803b82e6ce2b2e888cf984059a8dce4cf3a748ad874a050266bdddc270"},
{"prefix_suffix", 1, 100, 5, FALSE, "abc61fda4b95c7f64112393a57f6ee4fd2e3cf3c724bbd07a62478875166a3d8"},
{"vt", 1, 60, 5, TRUE, "d0f54d2b022fafd645b9a39b73bf25959fa5498fc94fceb9ab857a007486d1a6"},
{"mdqa", 1, 20, 5, FALSE, "294a39d7687f5e6bfcfacbe812c59b441f1f7c92e0eebc795afe17ef1248bcda"},
{"twofact", 1, 170, 8, FALSE, "8a5176fb3c430898e87c82d0ab2dd1d6e9ec893584ac6bbd242f27501f5648ac"},
