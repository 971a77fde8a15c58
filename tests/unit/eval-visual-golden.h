/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SHA-256 of what six samples of a task show and say: task, units, variant.  Seeds 0 to 5, even ones
 * measure, odd ones train; four turns; seeds 2 and 5 hard.
 */
{ "vniah", 16, NULL, "7e05335eac9726228e971e11762b96d5662d7671d552a3fe1171488d84b4cfe4" },
{ "vniah", 20, "4x5", "ea981f9eab9df8c83a5851698ed96a99772f2a44e28b9bac00d06fb5059d6b46" },
{ "mmniah", 60, "4x4", "b1029cc2b243bd9de816f518dd70e0c6bbf1847b9b8dfbb2d7c4f493286f1ea2" },
{ "filmorder", 20, "6x4", "31b339bfe5d1622ceef0d82f4976a5f65880ae1b6549018c7ac2341c1848df48" },
{ "shapes", 64, NULL, "86a3c951989290bd090d883d2446335146c9494978caec42689bd9a18f181d7d" },
{ "count", 64, NULL, "ac925cc3b8ca78f61c253b0f182e7f7abecc52e3e41b75394e6c275f39b5956b" },
{ "word", 64, NULL, "fa4832788de5a051f0d6186f26e8459b7cdf257e57b76198d01438b28809303d" },
{ "small", 400, NULL, "7497132d5040a1b9ff5e4140ef07112a1f3170f61dfc4eb4c44ef5606efdf88c" },
