/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SHA-256 of what six samples of a task show and say: task, units, variant.  Seeds 0 to 5, even ones
 * measure, odd ones train; four turns; seeds 2 and 5 hard.
 */
{ "vniah", 16, NULL, "c6f8de1a3259796f5ae6125aca1d12db4b58c4a4d5b039d491847bb08053a858" },
{ "vniah", 20, "4x5", "f5ec8d86e70a248812d91ca8a1a5b1969c8688b615891e471bb253bdf2e6c88b" },
{ "mmniah", 60, "4x4", "0fc7f2ecca44a0af2437ba873569182924bfb11aedf3f052642d67545fa9d7ea" },
{ "filmorder", 20, "6x4", "31b339bfe5d1622ceef0d82f4976a5f65880ae1b6549018c7ac2341c1848df48" },
{ "shapes", 64, NULL, "86a3c951989290bd090d883d2446335146c9494978caec42689bd9a18f181d7d" },
{ "count", 64, NULL, "ac925cc3b8ca78f61c253b0f182e7f7abecc52e3e41b75394e6c275f39b5956b" },
{ "word", 64, NULL, "fa4832788de5a051f0d6186f26e8459b7cdf257e57b76198d01438b28809303d" },
{ "small", 400, NULL, "7497132d5040a1b9ff5e4140ef07112a1f3170f61dfc4eb4c44ef5606efdf88c" },
