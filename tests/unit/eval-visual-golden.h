/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SHA-256 of what six samples of a task show and say: task, units, variant.  Seeds 0 to 5, even ones
 * measure, odd ones train; four turns; seeds 2 and 5 hard.
 */
{ "vniah", 16, NULL, "36bfd08356749973749c1c1646fcb94d5b7e963509528c382c14b66a1f729256" },
{ "vniah", 20, "4x5", "19fc60ceb7dc681b2b4a352288ce10b12a8870c1101d07477691ba2308747e3f" },
{ "mmniah", 60, "4x4", "6f369c34b033136b61d6fd4157eab7cda44b6dde67d7a8443131662e530e8962" },
{ "filmorder", 20, "6x4", "31b339bfe5d1622ceef0d82f4976a5f65880ae1b6549018c7ac2341c1848df48" },
{ "shapes", 64, NULL, "86a3c951989290bd090d883d2446335146c9494978caec42689bd9a18f181d7d" },
{ "count", 64, NULL, "ac925cc3b8ca78f61c253b0f182e7f7abecc52e3e41b75394e6c275f39b5956b" },
{ "word", 64, NULL, "fa4832788de5a051f0d6186f26e8459b7cdf257e57b76198d01438b28809303d" },
{ "small", 400, NULL, "7497132d5040a1b9ff5e4140ef07112a1f3170f61dfc4eb4c44ef5606efdf88c" },
