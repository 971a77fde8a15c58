# SPDX-License-Identifier: GPL-3.0-or-later
"""Train Longwave Mini from nothing, for a number of minutes, on one GPU.

    python3 data/model/train.py --out DIR --minutes 20

Worker processes invent conversations and scenes (batch.py, longrows.py, drills.py); the device
draws them (draw.py) and learns from them.  A step learns from one micro-batch of long texts,
replayed as a CUDA graph (it would be launches mostly), and one of pictures and short rows.  The
schedule follows the clock: warm-up, a plateau, and a linear fall to zero over the last part of
--minutes; minutes already spent are kept in the checkpoint, so the same command goes on where it
was stopped.  DIR/log.jsonl gets one line a minute: loss and accuracy per task, measured on fresh
data before it is learned from (each answer counts as right only if every one of its tokens is the
model's first choice).

Several GPUs: start it with torch.distributed.run (train.sh full --gpus N); each
process draws its own data, gradients are averaged, the first one logs and saves.
A step whose gradients are not finite is left out; when they stay so, the
weights go back to the last good copy and the rate is lowered.
"""
import argparse
import json
import math
import multiprocessing as mp
import os
import sys
import time
from dataclasses import replace

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import batch as batches  # noqa: E402
import drills  # noqa: E402
import longrows  # noqa: E402


def arguments():
    a = argparse.ArgumentParser()
    a.add_argument("--out", required=True)
    a.add_argument("--minutes", type=float, default=20)
    a.add_argument("--workers", type=int, default=5, help="processes a GPU for pictures and short rows")
    a.add_argument("--long-workers", type=int, default=4, help="processes a GPU for long texts")
    a.add_argument("--visual-workers", type=int, default=3, help="processes a GPU for the evaluation's pictures and films")
    a.add_argument("--visual", type=float, default=0.45, help="share of these among pictures and short rows")
    a.add_argument("--drill", type=float, default=0.25, help="share of drills among long texts up to 4096 tokens")
    a.add_argument("--drills", default="", help="shares of the drills, as ends:0.5,names:0.5")
    a.add_argument("--stage", type=int, default=0, help="how hard the drills are at the beginning")
    a.add_argument("--text-weight", type=float, default=0.5, help="of the loss of long texts; the rest is pictures'")
    a.add_argument("--graphs", type=int, default=1, help="0: launch every kernel by itself")
    a.add_argument("--tokens", type=int, default=49152, help="tokens in a micro-batch of short rows")
    a.add_argument("--long-tokens", type=int, default=32768, help="tokens in a micro-batch of long rows, at least one row")
    a.add_argument("--top", type=int, default=0, help="place in longrows.LENGTHS to begin at")
    a.add_argument("--floor", default="0.08:1,0.15:2,0.24:3,0.34:4,0.46:5,0.60:6",
                   help="length reached at the latest, by part of the run")
    a.add_argument("--last", type=int, default=8, help="place in longrows.LENGTHS to end at")
    a.add_argument("--layers", type=int, default=0, help="deepen the weights of --init to so many layers")
    a.add_argument("--muon-lr", type=float, default=0.013)
    a.add_argument("--adam-lr", type=float, default=2e-3)
    a.add_argument("--warmup", type=int, default=150, help="steps")
    a.add_argument("--fall", type=float, default=0.35, help="share of the time in which the rate falls to zero")
    a.add_argument("--compile", choices=("leaf", "none"), default="leaf", help="leaf: the element-wise functions")
    a.add_argument("--backend", default="", help="the compiler's backend; aot_eager tries the graphs on a CPU")
    a.add_argument("--save-every", type=float, default=120, help="seconds")
    a.add_argument("--log-every", type=float, default=60, help="seconds")
    a.add_argument("--device", default="")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--init", default="", help="weights.pt or text.gguf (its mmproj- beside it) to begin from when DIR "
                   "has no state")
    a.add_argument("--stop", type=float, default=0, help="minutes of the run after which this part of it ends")
    a.add_argument("--spent", type=float, default=0, help="minutes that the weights of --init have behind them")
    a.add_argument("--progress", type=float, default=-1, help="pretend this part of the run (measuring)")
    a.add_argument("--quick", action="store_true", help="tiny pictures and rows (trying the code on a CPU)")
    a.add_argument("--tiny", action="store_true", help="a tiny model (trying the code on a CPU)")
    return a.parse_args()


def newton_schulz(g):
    """Five steps towards the nearest orthogonal matrix, for a stack [n, rows, cols]."""
    import torch
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.to(torch.bfloat16) if g.is_cuda else g
    flip = x.shape[-2] > x.shape[-1]
    if flip:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        m = x @ x.mT
        x = a * x + (b * m + c * m @ m) @ x
    return x.mT if flip else x


class Muon:
    """Momentum, orthogonalised, for the matrices; equal shapes are worked on together."""

    def __init__(self, params, momentum=0.95, decay=0.01):
        self.momentum, self.decay = momentum, decay
        self.groups = {}
        for name, p in params:
            parts = 3 if name.endswith("attn.qkv.weight") else 1
            self.groups.setdefault((p.shape[0] // parts, p.shape[1]), []).append((p, parts))
        self.buf = {}

    def step(self, lr):
        import torch
        for shape, members in self.groups.items():
            g = torch.cat([p.grad.view(k, *shape) for p, k in members])
            buf = self.buf.get(shape)
            if buf is None:
                buf = self.buf[shape] = torch.zeros_like(g)
            buf.lerp_(g, 1 - self.momentum)
            u = newton_schulz(g.lerp(buf, self.momentum)).float()
            u *= max(1.0, shape[0] / shape[1]) ** 0.5
            at = 0
            ps, us = [], []
            for p, k in members:
                ps.append(p.data)
                us.append(u[at:at + k].reshape(p.shape))
                at += k
            torch._foreach_mul_(ps, 1 - lr * self.decay)
            torch._foreach_add_(ps, us, alpha=-lr)


def main():
    args = arguments()
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    os.makedirs(args.out, exist_ok=True)
    ctx = mp.get_context("fork")
    progress = ctx.Value("d", 0.0, lock=False)
    top = ctx.Value("i", args.top, lock=False)
    stage = ctx.Value("i", args.stage, lock=False)
    queue = ctx.Queue(maxsize=args.workers * 3)
    visual_queue = ctx.Queue(maxsize=args.visual_workers * 3)
    long_queues = [ctx.Queue(maxsize=3) for _ in range(args.long_workers)]

    # What was spent before decides where the workers begin.
    state_file = os.path.join(args.out, "state.pt")
    spent = 0.0
    if os.path.exists(os.path.join(args.out, "spent.json")):
        with open(os.path.join(args.out, "spent.json")) as f:
            saved = json.load(f)
        spent, top.value, stage.value = saved["seconds"], saved["top"], saved["stage"]
    elif args.init:
        spent = args.spent * 60
    budget = args.minutes * 60
    easy = 0.0 if not args.init else 0.3        # the part of the short rows' schedule that is behind the weights
    progress.value = args.progress if args.progress >= 0 else min(1.0, easy + (1 - easy) * spent / budget)
    seed = args.seed * 1000003 + int(spent * 10) * 101 + rank * 5003
    workers = [ctx.Process(target=batches.worker, args=(seed + i, args.tokens, args.quick, progress, queue), daemon=True)
               for i in range(args.workers)]
    share = {k: float(v) for k, v in (x.split(":") for x in args.drills.split(",") if x)} or longrows.DRILLS
    workers += [ctx.Process(target=longrows.text_worker, args=(seed * 31 + 977 + i, args.long_tokens, args.drill, share, i,
                                                               args.long_workers, top, stage, q), daemon=True)
                for i, q in enumerate(long_queues)]
    workers += [ctx.Process(target=longrows.visual_worker, args=(seed * 37 + 1977 + i, args.tokens, top, visual_queue),
                            daemon=True) for i in range(args.visual_workers)]
    for w in workers:
        w.start()

    import torch
    import torch.nn.functional as F
    from draw import Painter
    import model as model_module
    import weights
    from model import Config, Longwave

    device = args.device or ("cuda:%d" % int(os.environ.get("LOCAL_RANK", 0)) if torch.cuda.is_available() else "cpu")
    cuda = device.startswith("cuda")
    if cuda:
        torch.cuda.set_device(device)
        stream = torch.cuda.Stream()        # graphs are not captured on the default stream
        torch.cuda.set_stream(stream)
    if world > 1:
        import torch.distributed as dist
        dist.init_process_group("nccl" if cuda else "gloo")
    torch.manual_seed(args.seed)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.enable_cudnn_sdp(False)     # its backward gave a not-a-number once in ten pictures' steps
    c = Config() if not args.tiny else Config(layers=2, v_layers=4, width=128, heads=2, kv_heads=1, ffn=256, v_width=64,
                                              v_heads=1, v_ffn=128)
    init = None
    if args.init and not os.path.exists(state_file):
        old, init = weights.load(args.init)
        if args.layers:
            old, init = weights.deepen(init, old, args.layers)
        c = replace(old, rope_base=c.rope_base, context=c.context)
    net = Longwave(c).init_weights(args.seed).to(device)
    if init:
        net.load_state_dict(init)
    n_param = sum(p.numel() for p in net.parameters())
    painter = Painter(device, compile=cuda and args.compile != "none")

    matrices, others = [], []
    for name, p in net.named_parameters():
        if p.dim() == 2 and "embed_tokens" not in name:
            matrices.append((name, p))
        else:
            others.append((name, p))
    muon = Muon(matrices)
    seen = 0
    embed = [p for n, p in others if "embed_tokens" in n]
    patch = [p for n, p in others if "patch_embed" in n]     # 588 inputs that rise together: small steps
    small = [p for n, p in others if p.dim() < 2]
    adam = torch.optim.AdamW([dict(params=embed, weight_decay=0.005, scale=1.0), dict(params=small, weight_decay=0.0, scale=1.0),
                              dict(params=patch, weight_decay=0.005, scale=0.2)],
                             lr=args.adam_lr, betas=(0.9, 0.97), eps=1e-9, fused=cuda)
    step = 0
    if os.path.exists(state_file):
        st = torch.load(state_file, map_location=device, weights_only=False)
        net.load_state_dict(st["model"])
        adam.load_state_dict(st["adam"])
        muon.buf = {k: v.to(device) for k, v in st["muon"].items()}
        step, spent, seen = st["step"], st["spent"], st.get("tokens", 0)
        print("going on at step %d, %.1f minutes spent" % (step, spent / 60), flush=True)

    compiled = args.compile == "leaf" and (cuda or args.backend)
    how = dict(dynamic=True, backend=args.backend or "inductor")
    if compiled:
        torch._dynamo.config.cache_size_limit = 64
        import torch.fx.experimental._config as symbolic
        symbolic.use_duck_shape = False         # a picture of 256 patches is no width of 256
        model_module.compile_leaves(**how)

    def answer_loss(h, weight, label):
        logits = F.linear(h, weight.to(h.dtype)).float()
        loss = F.cross_entropy(logits, label, ignore_index=-100, reduction="sum")
        return loss, logits.argmax(-1)

    if compiled:
        answer_loss = torch.compile(answer_loss, **how)

    def upload(b):
        out = {}
        for k, v in b.items():
            if hasattr(v, "dtype"):
                t = torch.from_numpy(v)
                if cuda:
                    t = t.pin_memory().to(device, non_blocking=True)
                out[k] = t
            else:
                out[k] = v
        return out

    n_task = len(batches.TASKS)

    def forward(b):
        tokens, pos = b["tokens"].long(), b["pos"]
        if pos.dim() == 2:      # text alone: three equal coordinates
            pos = pos.expand(3, *pos.shape)
        feats = index = None
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=cuda):
            if b["index"] is not None:
                h, w = b["gh"] * 28, b["gw"] * 28
                img = painter.paint(b, h, w)
                img = img.view(-1, b["frames"], 3, h, w)
                if cuda:
                    img = img.bfloat16()
                feats = net.features(img, b["gh"], b["gw"], b["per_row"])
                index = b["index"].long()
            x = net.hidden(tokens, pos, feats, index)
            x = x.reshape(-1, x.shape[-1])[b["at"].long()]
            return answer_loss(x, net.model.language_model.embed_tokens.weight, b["label"].long())

    def learn(b, weight):
        """Adds the gradient of a micro-batch; (loss a token, best tokens)."""
        loss, best = forward(b)
        loss = loss * weight["each"]
        (loss * weight["share"]).backward()
        return loss.detach(), best

    class Graphs:
        """learn() for text as CUDA graphs, one for each shape of micro-batch; they share their memory."""

        def __init__(self):
            self.made, self.pool = {}, torch.cuda.graph_pool_handle()

        def __call__(self, d, weight):
            key = (tuple(d["tokens"].shape), d["at"].shape[0])
            if key not in self.made:
                held = {k: d[k].clone() for k in ("tokens", "pos", "at", "label")}
                held.update(index=None)
                w = {k: v.clone() for k, v in weight.items()}
                before = flat.clone()
                for _ in range(2):
                    learn(held, w)
                flat.copy_(before)
                torch.cuda.synchronize()
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph, pool=self.pool, stream=stream, capture_error_mode="thread_local"):
                    out = learn(held, w)
                self.made[key] = graph, held, w, out
            graph, held, w, out = self.made[key]
            for k in ("tokens", "pos", "at", "label"):
                held[k].copy_(d[k])
            for k in w:
                w[k].copy_(weight[k])
            graph.replay()
            return tuple(x.clone() for x in out)

    def rate(sec):
        """1 on the plateau; falls to 0 at the end; the warm-up counts steps."""
        t = sec / budget
        r = 1.0 if t < 1 - args.fall else max(0.0, (1 - t) / args.fall)
        return r * min(1.0, (step + 1 - step0) / args.warmup if not resumed else 1.0)

    def save(final=False):
        tmp = state_file + ".part"
        torch.save(dict(model=net.state_dict(), adam=adam.state_dict(), muon=muon.buf, step=step, spent=spent,
                        config=c.dict(), minutes=args.minutes, tokens=seen), tmp)
        os.replace(tmp, state_file)
        tmp = os.path.join(args.out, "weights.pt.part")
        torch.save(dict(model={k: v.bfloat16() for k, v in net.state_dict().items()}, config=c.dict(), step=step,
                        spent=spent, tokens=seen), tmp)
        os.replace(tmp, os.path.join(args.out, "weights.pt"))
        with open(os.path.join(args.out, "spent.json"), "w") as f:
            json.dump(dict(seconds=spent, step=step, top=top.value, stage=stage.value, finished=final), f)

    log = open(os.path.join(args.out, "log.jsonl"), "a")

    def note(**kw):
        if rank:
            return
        log.write(json.dumps(kw) + "\n")
        log.flush()
        print(json.dumps(kw), flush=True)

    if step == 0:
        note(event="start", parameters=n_param, device=torch.cuda.get_device_name() if cuda else "cpu", torch=torch.__version__,
             workers=args.workers, gpus=world, tokens=args.tokens, long=args.long_tokens, minutes=args.minutes)

    params = [p for p in net.parameters()]
    flat = torch.zeros(n_param, device=device)          # all gradients; a parameter's is a view
    at = 0
    for p in params:
        p.grad = flat[at:at + p.numel()].view_as(p)
        at += p.numel()
    kept = torch.zeros_like(flat)
    graphs = Graphs() if cuda and args.graphs else None
    resumed, step0 = os.path.exists(state_file), step
    t_start = time.time()
    spent0, last_save, last_log = spent, time.time(), time.time()
    # Sums since the last line, on the device so that nothing waits for them.
    # Row 0: short rows; row 1 + level: long ones of that length.
    n_level = len(longrows.LENGTHS)
    ok = torch.zeros(n_level + 1, n_task, device=device)
    total = torch.zeros(n_level + 1, n_task, device=device)
    core = torch.tensor([batches.TASK_ID[x] for x in longrows.CORE], device=device)
    gate = torch.zeros(2, device=device)        # right and asked, core tasks at the longest length so far
    drilled = torch.zeros(2, device=device)     # the same, of the drills that have stages
    staged = torch.tensor([batches.TASK_ID[x] for x in ("ends", "both")], device=device)
    pictures_due = 0.0
    floor = [(float(a), int(b)) for a, b in (x.split(":") for x in args.floor.split(","))]
    turn = 0
    loss_sum, loss_n, odd = {}, {}, {}      # odd: gradients that are not finite
    answers = pictures = 0
    step_log, waiting, warm_time = step, 0.0, 0.0
    first = True
    good = [p.detach().clone() for p in params]     # the last weights known to be sound
    bad = skipped = 0
    steady = 1.0
    while True:
        now = torch.tensor([spent0 + (time.time() - t_start) - warm_time], device=device)
        if world > 1:
            dist.all_reduce(now, op=dist.ReduceOp.MAX)      # one clock for all, so that they stop together
        spent = float(now)
        if spent >= (args.stop * 60 or budget):
            break
        if args.progress < 0:
            progress.value = min(1.0, easy + (1 - easy) * spent / budget)
        r = rate(spent)
        flat.zero_()
        for source in ("long", "short"):
            t0 = time.time()
            if source == "long":
                b = long_queues[turn % len(long_queues)].get(timeout=150)
                turn += 1
            else:
                pictures_due += args.visual
                b = (visual_queue if pictures_due >= 1 else queue).get(timeout=150)
                pictures_due -= pictures_due >= 1
            waiting += time.time() - t0
            row = b.get("level", -1) + 1
            s = b["stream"]
            d = upload(b)
            share = args.text_weight if source == "long" else 1 - args.text_weight
            weight = dict(each=torch.full((), 1 / max(1, b["n_answer"]), device=device), share=torch.full((), share, device=device))
            loss, best = (graphs if graphs and source == "long" else learn)(d, weight)
            fine = torch.isfinite(loss)
            loss_sum[s] = loss_sum.get(s, 0) + torch.where(fine, loss, 0.0)
            loss_n[s] = loss_n.get(s, 0) + fine.float()
            sound = torch.isfinite(flat.sum())
            odd[s] = odd.get(s, 0) + 1 - sound.float()
            if source == "long":
                kept.copy_(flat)
            else:       # without the pictures' gradient when it is not finite
                flat.copy_(torch.where(sound, flat, kept))
            seen += b["tokens"].size
            answers += b["n_answer"]
            if b["index"] is not None:
                pictures += b["ground"].shape[0]
            with torch.no_grad():
                n = b["n_answer"]
                right = (best[:n] == d["label"][:n]).float()
                segs = int(b["seg"][n - 1]) + 1
                seg = d["seg"][:n].long()
                whole = torch.ones(segs, device=device).scatter_reduce(0, seg, right, "amin")
                kind = torch.zeros(segs, dtype=torch.long, device=device).scatter_(0, seg, d["task"][:n].long())
                ok[row].scatter_add_(0, kind, whole)
                total[row].scatter_add_(0, kind, torch.ones_like(whole))
                if source == "long":
                    of = torch.isin(kind, staged).float()
                    drilled += torch.stack(((whole * of).sum(), of.sum()))
                    if row == top.value + 1:
                        of = torch.isin(kind, core).float()
                        gate += torch.stack(((whole * of).sum(), of.sum()))
        if world > 1:
            dist.all_reduce(flat)
            flat /= world
        norm = float(flat.norm())
        if math.isfinite(norm):
            if norm > 1:
                flat /= norm
            muon.step(args.muon_lr * r * steady)
            for group in adam.param_groups:
                group["lr"] = args.adam_lr * r * steady * group["scale"]
            adam.step()
            bad = 0
            if step % 100 == 0:
                if world > 1:       # rounding must not let the copies drift apart
                    for p in params:
                        dist.broadcast(p.data, 0)
                torch._foreach_copy_(good, [p.data for p in params])
        else:
            bad += 1
            skipped += 1
            if bad == 3:
                with torch.no_grad():
                    torch._foreach_copy_([p.data for p in params], good)
                adam.state.clear()
                muon.buf.clear()
                steady *= 0.7
                bad = 0
                note(event="back", step=step, steady=round(steady, 3))
        step += 1
        if step % 25 == 0 and stage.value < drills.STAGES - 1:
            g = drilled.clone()
            if world > 1:
                dist.all_reduce(g)
            right, asked = g.tolist()
            if asked >= 500:
                if right > 0.9 * asked:
                    stage.value += 1
                    note(event="harder", step=step, minutes=round(spent / 60, 2), longest=drills.LONGEST[stage.value],
                         right=round(right / asked, 3))
                drilled.zero_()
        if step % 25 == 0 and top.value < args.last:
            g = gate.clone()
            if world > 1:
                dist.all_reduce(g)
            right, asked = g.tolist()
            due = max([b for a, b in floor if spent / budget >= a], default=0)
            if (asked >= 400 and right > 0.93 * asked) or due > top.value:
                note(event="longer", step=step, minutes=round(spent / 60, 2), length=longrows.LENGTHS[top.value + 1],
                     right=round(right / max(1, asked), 3), asked=int(asked))
                top.value += 1
                gate.zero_()
            elif asked > 4000:
                gate.zero_()
        if first and step - step_log == 12:
            # the compiler's minutes are not training minutes, but count at most three of them as free
            if cuda:
                torch.cuda.synchronize()
            warm_time = min(180.0, time.time() - t_start)
            first = False
            note(event="warm", seconds=round(time.time() - t_start, 1))
            last_log, seen_log, ans_log, pic_log, step_log, waiting = time.time(), seen, answers, pictures, step, 0.0
            ok.zero_(), total.zero_()
        if not first and time.time() - last_log >= args.log_every:
            if cuda:
                torch.cuda.synchronize()
            dt = time.time() - last_log
            acc = {}
            for level, (o, n) in enumerate(zip(ok.tolist(), total.tolist())):
                for i in range(n_task):
                    if n[i]:
                        at = "@%d" % longrows.LENGTHS[level - 1] if level else ""
                        acc[batches.TASKS[i] + at] = [round(o[i] / n[i], 4), int(n[i])]
            note(event="log", step=step, minutes=round(spent / 60, 2), rate=round(r, 3),
                 loss={k: round(float(loss_sum[k] / loss_n[k]), 4) for k in sorted(loss_sum)},
                 gradient=round(norm, 3), skipped=skipped, odd={k: int(v) for k, v in odd.items() if int(v)},
                 tokens_per_s=int(world * (seen - seen_log) / dt), answers_per_s=int((answers - ans_log) / dt),
                 pictures_per_s=int(world * (pictures - pic_log) / dt), steps_per_s=round((step - step_log) / dt, 2),
                 waiting=round(waiting / dt, 3), tokens=world * seen, accuracy=acc,
                 gpu_gib=round(torch.cuda.max_memory_allocated() / 2 ** 30, 1) if cuda else 0)
            ok.zero_(), total.zero_()
            loss_sum, loss_n = {}, {}
            last_log, seen_log, ans_log, pic_log, step_log, waiting = time.time(), seen, answers, pictures, step, 0.0
        if rank == 0 and time.time() - last_save > args.save_every:
            save()
            last_save = time.time()
    if rank == 0:
        save(final=True)
    note(event="end", step=step, minutes=round(spent / 60, 2), tokens=world * seen)
    for w in workers:
        w.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
