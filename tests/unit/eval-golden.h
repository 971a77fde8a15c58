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
{"twofact", 1, 170, 8, FALSE, "fd0db417afe7f8c8f6192acab582405006744e55456c0c7ce9657a7f072f3b85"},
{"mf", 1, 101, 5, FALSE, "8ca55812c04735580ef070390d32a99c2b57d2ce753430459d95ac16cdcd8b74"},
{"icl", 1, 60, 5, FALSE, "3e9220711f3f26e89a75c3bdef6b7e5b8a94527d5b9f194057fc83b03222a8ae"},
{"digest", 1, 90, 3, FALSE, "7d168ac0e3dc5ce9909c279cdb7c83503a559f4c79fe27face67fe6909a2f84d"},
{"chronicle", 1, 60, 5, TRUE, "ef4025726a85802c5d9a7e5f9c21cfd53c336b99bb286bad760afc328b0d3da6"},
{"mix_a", 1, 120, 8, FALSE, "0a620a5c7f4ca0a580e7e36eaa643b2cc6fd2da974ba5eca07acd8de664187fd"},
{"reorder", 1, 60, 5, FALSE, "1abe39890d6ac9f6b183946ec551957ce119c4e7d5223e6064d08b5482b2c05f"},
