"""A second reader of archives, written from bidding/envelope.md, audit/log.md and experts/draw.md alone: it shares no code with
`trading verify`, so that the two can disagree. `python tests/reader.py FILE… [--policy P --parties Q] [--since OLD] [--receipt R…]`;
exit 0: all steps hold, 3: one fails, 2: usage. A step that fails prints the record or path at fault and the line here that said no.
Not more than 500 lines, only the standard library and `cryptography`: so the lines are long ones."""
# ruff: noqa: B020, E401, E501, E701, E702, I001, RUF021, SIM300, SIM905
import base64, hashlib, hmac, json, re, struct, sys, traceback, zlib
from argparse import ArgumentParser
from bisect import bisect_right
from collections import Counter, namedtuple
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, pairwise
from pathlib import Path
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

H, N, S, BID, DRAW = "[0-9a-f]{64}", "(?:0|[1-9][0-9]*)", "[a-z0-9_]+", "bids/[0-9a-f]{32}", "draw/[A-Za-z0-9._-]+/[1-9][0-9]*"
ROWS = {  # log.md §7: path -> exact keys (None: not an object, or a later step asks)
    r"archive\.json": "type edition tender origin size first", r"frontier\.json": "size hashes", rf"records/{N}\.json": "index nonce record",
    rf"statements/{H}\.json": "statement sig", rf"registrations/{H}\.json": "registration sig", rf"probes/{H}\.json": "probe sig",
    rf"{BID}/withdrawal\.json": "withdrawal sig", rf"releases/{S}/{N}\.json": "release sig", rf"{BID}/{S}/{N}/(manifest|sig)\.json": None,
    rf"{BID}/{S}/{N}/opened\.json": "at ck files findings opening unvouched verdict", rf"rulebook\.json|keysets/{H}\.json": None,
    rf"policy\.txt|parties\.txt|checkpoint|checkpoints/{N}|proofs/{N}\.tlog-proof|tsa/{N}\.tsr|{BID}/{S}/{N}/payload": None,
    rf"tile/entries/(x[0-9]{{3}}/)*[0-9]{{3}}(\.p/{N})?|evaluation/totals\.json|evaluation/sheets/{H}\.json": None,
    rf"{DRAW}/(commit|nonces|secret|leaves|calls|names)\.json": None}
CLOSING = set("bidder-key-registered deposited withdrawn refused erased".split())
DRAWS = set("draw-committed draw-nonce-committed draw-nonce-revealed draw-voided draw-called panel-seated".split())
BLINDED = CLOSING | {"draw-called", "panel-seated", "expert-admitted"}
OLDER = set("log-opened trust-published identity-vouched custodian-key-registered rehearsed".split())
PUBLIC = (DRAWS | OLDER | set("keyset-made project-announced deadline-moved closed stored window-ended released stage-settled unsealed "
          "bid-rejected candidates-published awarded evaluation-closed archived width-changed".split())) - BLINDED
VERDICTS = set("OK X-STORE X-PAYLOAD X-QUORUM X-COMMIT X-BOX X-CONTAINER PENDING".split())
SECOND, HOUR, NEVER, EPOCH = 10**6, 3600 * 10**6, 2**62, datetime(1970, 1, 1, tzinfo=UTC)
Rec, Env = namedtuple("Rec", "i kind r raw clear t"), namedtuple("Env", "i seq o raw keys")

# --- Encoding (envelope.md §1) and trees (log.md §4)
def need(ok):
    if not ok: raise ValueError
    return True
def sha(b): return hashlib.sha256(b).digest()
def hx(b): return hashlib.sha256(b).hexdigest()
def lp4(b): return len(b).to_bytes(4) + b
def mac(key, b): return hmac.digest(key, b, "sha256")
def node(a, b): return sha(b"\1" + a + b)
def canon(x): return json.dumps(x, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
def only(x, keys): return need(isinstance(x, dict) and set(x) == set(keys.split()))
def legal(x, depth=1):
    if isinstance(x, dict): return depth < 17 and all(re.fullmatch(S, k) and legal(y, depth + 1) for k, y in x.items())
    if isinstance(x, list): return depth < 17 and all(legal(y, depth + 1) for y in x)
    return x is None or isinstance(x, bool | str) or (type(x) is int and abs(x) < 2**53)
def parse(b, keys=None, kind=dict):
    x = json.loads(b.decode())
    return need(isinstance(x, kind) and legal(x) and canon(x) == b and (keys is None or set(x) == set(keys.split()))) and x
def unb64(s, n=None): return need(base64.b64encode(b := base64.b64decode(s)).decode() == s and n in (None, len(b))) and b
def unhex(s, n=32): return need(re.fullmatch("[0-9a-f]*", s) and len(s) == 2 * n) and bytes.fromhex(s)
def number(x, least=0): return need(type(x) is int and x >= least) and x
def when(s):
    t = datetime.strptime(s, "%Y-%m-%dT%H:%M:%S.%f%z")
    return need(f"{t:%Y-%m-%dT%H:%M:%S.%f}Z" == s) and (t - EPOCH) // timedelta(microseconds=1)
def half(n): return 1 << (n - 1).bit_length() - 1 if n > 1 else 0
def tree(leaves):
    k = half(len(leaves))
    return node(tree(leaves[:k]), tree(leaves[k:])) if k else leaves[0] if leaves else sha(b"")
def climb(leaf, i, n, path):
    need(0 <= number(i) < n and (n > 1 or not path)); k = half(n)
    if i < k: return node(climb(leaf, i, k, path[:-1]), path[-1])
    return node(path[-1], climb(leaf, i - k, n - k, path[:-1])) if k else leaf

# --- Signatures and notes (envelope.md §1, log.md §4)
P25519, ORDER = 2**255 - 19, 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SMALL = {0, 1, P25519 - 1, 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7,  # y of the points of small order
         0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826}
def edwards(pub):
    y = int.from_bytes(pub, "little") & (2**255 - 1)
    return need(len(pub) == 32 and y < P25519 and y not in SMALL) and ed25519.Ed25519PublicKey.from_public_bytes(pub)
def p256(pub): return need(len(pub) == 65 and pub[0] == 4) and ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), pub)
def point(key):
    x962 = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    return key.public_bytes(*x962) if hasattr(key, "curve") else key.public_bytes_raw()
def chain(certs): return [x509.load_der_x509_certificate(unb64(c)) for c in certs]
def signers(sigs, msg):
    """Every signature of a non-empty array verifies: {key: (alg, x5c or None)}."""
    out = {}
    for s in sigs:
        need(isinstance(sigs, list) and set(s) in ({"alg", "key", "sig"}, {"alg", "x5c", "sig"}) and s["alg"] in ("EdDSA", "ES256"))
        key, sig = unb64(s["key"]) if "key" in s else point(chain(s["x5c"])[0].public_key()), unb64(s["sig"], 64)
        need(key not in out); out[key] = (s["alg"], s.get("x5c"))
        if s["alg"] == "EdDSA": edwards(key).verify(sig, msg)
        else: p256(key).verify(utils.encode_dss_signature(*map(int.from_bytes, (sig[:32], sig[32:]))), msg, ec.ECDSA(hashes.SHA256()))
    return need(out) and out
def vkey(s, kind):
    name, keyid, pub = s.split("+", 2); raw = unb64(pub, 33)
    need(name and raw[0] == kind and sha(name.encode() + b"\n" + raw)[:4].hex() == keyid and edwards(raw[1:]))
    return name, bytes.fromhex(keyid), raw[1:]
class Policy:
    def __init__(self, data):
        self.keys, self.logs, self.witnesses, self.groups, self.quorum = {}, {}, {}, {}, None
        for words in (line.split() for line in data.decode().splitlines() if line.split() and not line.startswith("#")):
            (what, name, *rest), known = words, self.witnesses.keys() | self.groups.keys()
            if what in ("log", "witness"):
                full, keyid, pub = vkey(name if what == "log" else rest.pop(0), 1 if what == "log" else 4)
                need(len(rest) < 2 and pub not in (k[2] for k in self.keys.values()) and name not in known and full not in self.logs)
                (self.logs if what == "log" else self.witnesses)[full if what == "log" else name] = pub
                self.keys[full, keyid] = (what, name, pub)
            elif what == "group":
                n, members = {"all": len(rest) - 1, "any": 1}.get(rest[0]) or int(rest[0]), set(rest[1:])
                need(name not in known and members <= known and len(members) == len(rest) - 1 >= n > 0); self.groups[name] = n, members
            else: need(what == "quorum" and name in known and not rest and not self.quorum); self.quorum = name
        need(self.quorum and self.logs)
    def met(self, name, have):
        n, members = self.groups.get(name, (1, ()))
        return name in have if name in self.witnesses else sum(self.met(m, have) for m in members) >= n
    def note(self, data, origin, strict=False):
        """Size, root and time of a signed note: when its cosignatures make the quorum, None if they do not."""
        body, _, tail = data.decode().rpartition("\n\n")
        m, times, logged = re.fullmatch(f"([^\n]+)\n({N})\n([^\n]+)", body), {}, 0
        need(m and tail.endswith("\n") and m[1] == origin and origin in self.logs)
        for s in (re.fullmatch("— ([^ ]+) ([^ ]+)", line) for line in tail[:-1].split("\n")):
            what, name, pub = self.keys.get((s[1], (raw := unb64(s[2]))[:4]), (None, None, None))
            need((what or not strict) and name not in times and (what != "log" or s[1] == origin))
            if what == "log": logged += edwards(pub).verify(raw[4:], f"{body}\n".encode()) is None
            if what == "witness":
                times[name] = int.from_bytes(raw[4:12])
                edwards(pub).verify(raw[12:], f"cosignature/v1\ntime {times[name]}\n{body}\n".encode())
        met = (t for t in sorted(times.values()) if self.met(self.quorum, {w for w, u in times.items() if u <= t}))
        return need(logged == 1) and (int(m[2]), unb64(m[3], 32), next((t * SECOND for t in met), None))

# --- The envelope (envelope.md §3, §4, §7)
LOG, EXP, _x = [0] * 256, [0] * 512, 1
for _i in range(255): EXP[_i], EXP[_i + 255], LOG[_x] = _x, _x, _i; _x ^= (_x << 1) ^ (0x11B if _x & 0x80 else 0)
def scale(b, c): return bytes(EXP[LOG[x] + LOG[c]] if x and c else 0 for x in b)
def xor(a, b): return bytes(x ^ y for x, y in zip(a, b, strict=True))
def expand(key, info, n, algorithm=hashes.SHA512): return HKDFExpand(algorithm(), n, info).derive(key)
def labeled(prk, suite, label, info, n): return expand(prk, n.to_bytes(2) + b"HPKE-v1" + suite + label + info, n, hashes.SHA256)
def extract(salt, suite, label, ikm): return mac(salt, b"HPKE-v1" + suite + label + ikm)
def combine(shares, out=bytes(32)):
    for i, y in shares: out = xor(out, scale(y, EXP[sum(LOG[j] - LOG[i ^ j] for j, _ in shares if j != i) % 255]))
    return out
def hpke(y, pub, info, ikm):
    kem, suite = b"KEM\0\x10", b"HPKE\0\x10\0\x01\0\x02"
    tries = (int.from_bytes(labeled(extract(b"", kem, b"dkp_prk", ikm), kem, b"candidate", bytes([c]), 32)) for c in range(256))
    sk = ec.derive_private_key(next(x for x in tries if 0 < x < ORDER), ec.SECP256R1())
    enc, dh = point(sk.public_key()), extract(b"", kem, b"eae_prk", sk.exchange(ec.ECDH(), p256(pub)))
    secret = extract(labeled(dh, kem, b"shared_secret", enc + pub, 32), suite, b"secret", b"")
    context = b"\0" + extract(b"", suite, b"psk_id_hash", b"") + extract(b"", suite, b"info_hash", info)
    return enc + AESGCM(labeled(secret, suite, b"key", context, 32)).encrypt(labeled(secret, suite, b"base_nonce", context, 12), y, None)
def boxes(ck, ctx, head, ks):
    """{i: (y_i, box_i)}, all from CK."""
    a, out = [ck] + [expand(ck, b"trading/share/v1\0" + ctx + bytes([j]), 32) for j in range(1, ks["k"])], {}
    for c in ks["custodians"]:
        i, y = bytes([c["i"]]), bytes(32)
        for j, part in enumerate(a): y = xor(y, scale(part, EXP[LOG[c["i"]] * j % 255]))
        ikm = expand(ck, b"trading/ephemeral/v1\0" + ctx + head + i, 32)
        out[c["i"]] = y, hpke(y, unb64(c["pub"]), b"trading/box/v1\0" + ctx + i + head, ikm)
    return out
def content(ck, head, ctx): return expand(ck, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + head[:24] + ctx, 76)
def decrypt(keys, data):
    aead, nonce, cuts = AESGCM(keys[:32]), int.from_bytes(keys[32:44]), range(0, len(data), 16400)
    return b"".join(aead.decrypt((nonce ^ n).to_bytes(12), data[at:at + 16400], None) for n, at in enumerate(cuts))
def fits(kind, v, low=None, high=None):
    need(type(v) is int if kind in ("fen", "int") else isinstance(v, str) and (kind == "text" or date.fromisoformat(v).isoformat() == v))
    size = len(v) if kind == "text" else v
    need(kind in ("fen", "int", "text", "date") and (low is None or size >= low) and (high is None or size <= high))
def container(plain, ctx, schema):
    """Opening and files of a container; schema None: not the stage `form`."""
    pos = 4 + int.from_bytes(plain[:4]); h = parse(plain[4:pos], "type ctx files opening")
    need(pos <= 4 + 2**20 and h["type"] == "trading.container/v1" and h["ctx"] == ctx.hex() and isinstance(h["files"], list))
    for f in h["files"]:
        data, pos = plain[pos:pos + number(f["size"])], pos + f["size"]
        need(only(f, "name size sha256 media") and isinstance(f["media"], str) and f["name"] and not set(f["name"]) & set("/\\"))
        need(len(data) == f["size"] and hx(data) == f["sha256"])
    need(len({f["name"] for f in h["files"]}) == len(h["files"]) and len(plain) == -(-pos // 65536) * 65536 and not any(plain[pos:]))
    need(h["opening"] == {} if schema is None else not h["files"] and set(h["opening"]) <= set(schema))
    for k, rule in (schema or {}).items():
        if k in h["opening"]: fits(rule["kind"], h["opening"][k], rule.get("min"), rule.get("max"))
        else: need(rule.get("optional") is True)
    return h["opening"], h["files"]

class Archive:
    def __init__(self, data, policy, parties, since, receipts, tenders):
        self.data, self.outside, self.since, self.receipts, self.tenders = data, (policy, parties), since, receipts, tenders
    def run(self, say):
        first = None
        for n in range(1, 18):
            self.at = ""
            try: said = "not reached" if first and first[0] < 5 else getattr(self, f"v{n}")() or "pass"
            except BaseException as e:  # some libraries panic outside Exception
                if isinstance(e, KeyboardInterrupt | SystemExit): raise
                line = [f.line for f in traceback.extract_tb(e.__traceback__) if f.filename == __file__ and f.name != "need"][-1]
                said = f"fail: {self.at}: {e!r} at {line}"; first = first or (n, said)
            say(f"V{n} {said}")
        return first
    def f(self, path): self.at = path; return self.files[path]
    def j(self, path): return self.f(path) and self.js[path]
    def paths(self, pattern): return {p for p in self.files if re.fullmatch(pattern, p)}
    def exactly(self, pattern, owed):
        odd = sorted(self.paths(pattern) ^ set(owed)); self.at = f"missing or not owed: {odd[:5]}" if odd else ""; need(not odd)
    def of(self, *kinds, tender=True):
        for x in self.recs:
            if x.kind in kinds and (not tender or x.r.get("tender") == self.tender): self.at = f"record {x.i} ({x.kind})"; yield x

    def v1(self):
        d, self.files, self.js, off = self.data, {}, {}, 0
        n, start = int.from_bytes(d[-12:-10], "little"), int.from_bytes(d[-6:-2], "little"); pos = start
        for _ in range(n):
            size, length, attr = *struct.unpack("<LH", d[pos + 24:pos + 30]), d[pos + 38:pos + 42]
            name, body = d[pos + 46:pos + 46 + length], d[off + 30 + length:off + 30 + length + size]
            both = struct.pack("<5H3L2H", 20, 0, 0, 0, 33, zlib.crc32(body), len(body), len(body), length, 0) + name
            entry, self.at = b"PK\1\2\x14\3" + both[:26] + bytes(6) + attr + struct.pack("<L", off) + name, name.decode("ascii")
            need(d.startswith(b"PK\3\4" + both, off) and d.startswith(entry, pos) and attr in (b"\0\0\xa4\1", b"\0\0\xa4\x81"))
            self.files[self.at], off, pos = body, off + 30 + length + len(body), pos + len(entry)
        need(off == start and d[pos:] == struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, n, n, pos - off, off, 0))
        paths, self.at = list(self.files)[1:], "MANIFEST"; need(paths == sorted(paths) and len(paths) == n - 1)
        need(self.files.pop("MANIFEST").decode() == "".join(f"{hx(self.files[p])} {len(self.files[p])} {p}\n" for p in paths))
        for p in paths:
            self.at, (row, *_) = p, [k for r, k in ROWS.items() if re.fullmatch(r, p)]
            x = self.js[p] = parse(self.files[p], None, list if p.endswith("/sig.json") else dict) if p.endswith(".json") else None
            need(row is None or set(x) | ({"ck"} if "opened" in p else set()) == set(row.split()))
        for p in ("policy.txt", "parties.txt", "checkpoint", "rulebook.json"): self.f(p)
        fr, x = self.j("frontier.json"), self.j("archive.json")
        self.public, self.tender, self.origin = x["edition"] == "public", x["tender"], x["origin"]
        self.a, self.size, self.born = number(x["first"]), number(x["size"]), int(re.fullmatch(f".+@({N})", self.tender)[1])
        need(x["type"] == "trading.archive/v1" and x["edition"] in ("public", "supervision") and isinstance(self.origin, str))
        need(number(fr["size"]) == self.a == self.born // 256 * 256 and self.born < self.size and len(fr["hashes"]) == self.a.bit_count())
        self.frontier = [unhex(h) for h in fr["hashes"]]
        if self.public: self.exactly(r"evaluation/sheets/.*|draw/.*/names\.json", ())
    def v2(self):
        own, self.notes, self.ids = Policy(self.f("policy.txt")), {}, []  # ids: (id, role, key, from, until)
        self.policy = Policy(self.outside[0]) if self.outside[0] else own
        for line in (self.outside[1] or self.f("parties.txt")).decode().splitlines():
            role, who, key, lo, hi = line.split()
            need(role == "ca" or (role in ("authority", "custodian", "party") and key.startswith(who + "+")))
            self.ids.append((who, role, unhex(key) if role == "ca" else vkey(key, 1)[2], when(lo), NEVER if hi == "-" else when(hi)))
        self.trusted = {k[0] for k in self.ids if k[1] != "ca"}
        for p in ["checkpoint", *sorted(self.paths("checkpoints/.*"))]:
            own.note(self.f(p), self.origin, True); self.notes[p] = size, _, t = self.policy.note(self.f(p), self.origin)
            need(t is not None and size == (self.size if p == "checkpoint" else int(p[12:])))
        self.exactly("tsa/.*", ())
    def roots(self, wanted):
        stack, out = list(zip((1 << b for b in range(self.a.bit_length() - 1, -1, -1) if self.a >> b & 1), self.frontier, strict=True)), {}
        for n, leaf in enumerate([None, *(sha(b"\0" + e) for e in self.entries)], self.a):
            stack += [(1, leaf)] if leaf else []
            while len(stack) > 1 and stack[-1][0] == stack[-2][0]: stack[-2:] = [(2 * stack[-1][0], node(stack[-2][1], stack[-1][1]))]
            if n in wanted:
                out[n] = stack[-1][1] if stack else sha(b"")
                for _, left in stack[-2::-1]: out[n] = node(left, out[n])
        return out
    def v3(self):
        self.entries, beats, names = [], [], set()
        for n in range(self.a // 256, -(-self.size // 256)):
            digits, w, pos = str(n).zfill(-(-len(str(n)) // 3) * 3), min(256, self.size - 256 * n), 0
            b = self.f("tile/entries/" + re.sub("(...)(?=.)", r"x\1/", digits) + (f".p/{w}" if w < 256 else "")); names.add(self.at)
            for _ in range(w):
                m = int.from_bytes(b[pos:pos + 2]); e, pos = b[pos + 2:pos + 2 + m], pos + 2 + m
                need((e[0], m) in ((1, 33), (3, 9)) or (e[0] == 2 and m > 1))
                beats += [(self.a + len(self.entries), int.from_bytes(e[1:]))] if e[0] == 3 else []; self.entries.append(e)
            need(pos == len(b))
        self.exactly("tile/.*", names)
        self.sizes, first, self.at = [i for i, _ in beats] + [self.size], beats[0][1] if self.a and beats else 1, "markers"
        need([m for _, m in beats] == list(range(first, first + len(beats))) and (self.a or self.entries[0][0] == 2) and self.born in dict(beats))
        roots = self.roots({n[0] for n in self.notes.values()})
        for p, (size, root, _) in self.notes.items(): self.at = p; need(roots.get(size) == root)
        self.times = {n: t for p, (n, _, t) in self.notes.items() if p != "checkpoint"}
    def record(self, i, raw, clear):
        r = parse(raw); kind = re.sub(r"^trading\.([a-z-]+)/v1$", r"\1", r["type"])
        need(only(r["actor"], "kind id") and len(raw) <= 65000 and isinstance(r["subject"], str))
        need(kind not in (BLINDED if clear else PUBLIC) and not (self.public and ("sserial" in r or (kind in CLOSING and self.shut))))
        self.recs.append(Rec(i, kind, r, raw, clear, when(r["time"])))
        return self.recs[-1]
    def v4(self):
        self.recs, owed, self.shut = [], set(), False
        for i, e in enumerate(self.entries, self.a):
            if e[0] == 2: self.at = f"record {i}"; self.record(i, e[1:], True)
        self.shut = any(x.r.get("opens") is False for x in self.of("closed"))
        for p in sorted(self.paths("records/.*")):
            x, i = self.j(p), int(p[8:-5]); raw = unb64(x["record"]); rec = self.record(number(x["index"]), raw, x["nonce"] is None)
            e = b"\2" + raw if rec.clear else b"\1" + sha(b"trading/record/v1\0" + unb64(x["nonce"], 32) + raw)
            need(rec.i == i < self.size)
            if i >= self.a:
                need(self.entries[i - self.a] == e and not rec.clear)
                need(rec.r.get("tender") == self.tender or rec.kind in ("bidder-key-registered", "expert-admitted"))
            else:
                need(rec.kind in OLDER | {"bidder-key-registered", "bidder-key-registered" if self.public else "expert-admitted"})
                need(self.proof(self.f(f"proofs/{i}.tlog-proof"), e) == (i, self.files["checkpoint"])); owed.add(self.at)
        self.exactly("proofs/.*", owed)
        self.recs.sort(key=lambda x: x.i); self.at, self.zero = "record 0", self.recs[0].r
        need(self.recs[0].i == 0 and self.recs[0].kind == "log-opened")
        factor = 1 if self.zero["clock"] is None else number(self.zero["clock"]["factor"], 1)
        self.beat, self.slack = number(self.zero["beat"], 1) * factor * SECOND, 30 * factor * SECOND
    def proof(self, text, e):
        """Index and checkpoint of a tlog-proof that holds for entry e."""
        head, _, note = text.partition(b"\n\n"); magic, index, *path = head.decode().split("\n")
        size, root, t = self.policy.note(note, self.origin); i = int(index.removeprefix("index "))
        need(magic == "c2sp.org/tlog-proof@v1" and index == f"index {i}" and t is not None)
        return need(climb(sha(b"\0" + e), i, size, [unb64(h, 32) for h in path]) == root) and (i, note)
    def v5(self):
        if self.since is None: return "pass (no older checkpoint given)"
        size, root, t = self.policy.note(self.since, self.origin)
        need(t is not None and size <= self.size)  # otherwise rolled back
        return "not in this edition" if size < self.a else need(self.roots({size})[size] == root) and None

    # --- What several steps read
    def seen(self, x): return self.times[self.over(x)]
    def over(self, x): return self.sizes[bisect_right(self.sizes, x.i)]
    def deadlines(self, before=NEVER): return [when(x.r["deadline"]) for x in self.of("project-announced", "deadline-moved") if x.i < before]
    def keysets(self): return {x.r["stage"]: k for x in self.of("keyset-made") if (k := self.js.get(f"keysets/{x.r['keyset']}.json"))}
    def hour(self, stage): return max([when(self.keysets()[stage]["opens_at"]), *self.deadlines()])
    def later(self, stage): return any(self.hour(stage) > self.hour(s) for s in self.stages)
    def outages(self): return [(x, *(when(x.r["outage"][k]) for k in ("from", "to"))) for x in self.of("deadline-moved") if x.r["outage"]]
    def who(self, key, t, *roles): return {k[:2] for k in self.ids if k[2] == key and k[1] in roles and k[3] <= t < k[4]}
    def behind(self, x, sig, *roles, drop=()):
        """{(id, role)} behind the signatures over a record itself, each known in one of these roles at its time."""
        gone = {"actor", "time", "serial", "sserial", "sig", *drop}
        keys = signers(sig, b"trading/record-sig/v1\n" + canon({k: v for k, v in x.r.items() if k not in gone}))
        return need(all(ids := [self.who(k, x.t, *roles) for k in keys])) and set().union(*ids)
    def signed(self, raw, kind, keys, sig):
        """A signed object of this log and tender, and its signers."""
        o = parse(raw, "type " + keys)
        need(o["type"] == f"trading.{kind}/v1" and o.get("origin", self.origin) == self.origin and o.get("tender", self.tender) == self.tender)
        return o, signers(sig, f"trading/{kind}/v1\n".encode() + raw)
    def bound(self, x, field, kind, keys, path, sig=None):
        """The same from a file that record x names by hash (or carries in base64) and `sig_hash`: bytes, object, signers."""
        f, sig = self.j(path), self.j(sig) if sig else self.j(path)["sig"]; raw = self.files[path] if field == "manifest" else unb64(f[field])
        need(x.r[field] in (hx(raw), base64.b64encode(raw).decode()) and x.r["sig_hash"] == hx(canon(sig)))
        return raw, *self.signed(raw, kind, keys, sig)

    def v6(self):
        closed, sets, first, probes = {x.r["stage"]: x for x in self.of("closed")}, self.keysets(), {}, set()
        mine = {p[11:-5] for p in self.paths("statements/.*")} | {c["statement"] for k in sets.values() for c in k["custodians"]}
        owed, span, outages = {self.born} if "rules" in self.js["rulebook.json"] else set(), 4 * self.beat + self.slack, self.outages()
        for x in self.recs:
            about = x.r.get("statement") if x.kind in ("custodian-key-registered", "rehearsed") else None
            ours = about in mine and first.setdefault((x.kind, about), x) is x
            if x.i >= self.a and (x.r.get("tender") == self.tender or not x.clear or ours): owed.add(self.over(x))
        if closed: owed.add(max(n for n in self.sizes if n <= min(x.i for x in closed.values())))
        for x, lo, hi in outages:
            last = max(n for n, t in self.times.items() if t <= lo); after = self.sizes[self.sizes.index(last) + 1]; owed |= {last, after}
            need(lo < hi <= self.times[after] and self.times[after] - self.times[last] > 4 * self.beat)
            need(x.r["outage"]["probes"] or len(self.behind(x, x.r["sig"], "authority")) > 1)
            for p in map(self.j, {f"probes/{h}.json" for h in x.r["outage"]["probes"]}):
                o, keys = self.signed(unb64(p["probe"]), "probe", "origin from to seen", p["sig"]); probes.add(self.at)
                need(self.at == f"probes/{hx(unb64(p['probe']))}.json" and set(keys) <= set(self.policy.witnesses.values()))
                need(o["seen"] is False and when(o["from"]) <= hi and when(o["to"]) >= lo)
        self.exactly("probes/.*", probes); self.exactly("checkpoints/.*", {f"checkpoints/{n}" for n in owed})
        times = [self.times[n] for n in sorted(self.times)] + [self.notes["checkpoint"][2]]; need(times == sorted(times))
        for x in self.of("deposited", "withdrawn", "closed", "released", *DRAWS):
            t, T, stage = x.t, self.seen(x), x.r.get("stage")
            need(abs(T - t) <= span or any(lo - span <= t and hi + span >= T for _, lo, hi in outages))
            for end in (when(c.r["deadline"]) for s, c in closed.items() if x.kind == "withdrawn" or stage == s):
                need(x.kind not in ("deposited", "withdrawn") or (t <= end and (x.kind == "withdrawn" or T <= end + 4 * self.beat)))
                need(x.kind != "closed" or (t >= end and T <= t + 4 * self.beat))
            if x.kind == "released" and stage in sets: need(min(t, T) >= self.hour(stage))
        need(self.zero["clock"] is None or self.origin.startswith("demo."))

    def v7(self):
        for p in ("policy", "parties"): need(hx(self.f(f"{p}.txt")) in {x.r[p] for x in self.of("log-opened", "trust-published", tender=False)})
        need(self.zero["origin"] == self.origin and all(x.i >= self.born or x.r.get("tender") != self.tender for x in self.recs))
        for x in self.of("identity-vouched", tender=False):
            who, key, lo, old = x.r["id"], vkey(x.r["vkey"], 1), when(x.r["from"]), [k for k in self.ids if k[0] == x.r["id"]]
            by = {x.r["by"]} if isinstance(x.r["by"], str) else set(x.r["by"])
            need({w for w, _ in self.behind(x, x.r["sig"], "authority")} == by and key[0] == who)
            need(x.r["role"] in ("custodian", "tenderee", "party") and (who in self.trusted or not old or len(by) > 1))
            if who not in self.trusted:
                self.ids = [(*k[:4], min(k[4], lo)) if k in old else k for k in self.ids]
                self.ids.append((who, x.r["role"], key[2], lo, NEVER if x.r["until"] is None else when(x.r["until"])))
        made, ann = list(self.of("keyset-made")), list(self.of("project-announced"))
        need(len(ann) == 1); self.ann, self.announced, self.stages = ann[0].r, ann[0].i, ann[0].r["keysets"]
        need({x.r["stage"]: x.r["keyset"] for x in made} == self.stages and 0 < len(made) == len(self.stages))
        need(all(x.i < ann[0].i for x in made) and all(x.i > ann[0].i for x in self.of("deposited")))
        need(set(self.ann["public_stages"]) <= set(self.stages) and number(self.ann["min_bids"]) >= 0)
        self.exactly("keysets/.*", {f"keysets/{x.r['keyset']}.json" for x in made})
        self.exactly("statements/.*", {f"statements/{c['statement']}.json" for k in self.keysets().values() for c in k["custodians"]})
        for x in made:
            k = self.j(f"keysets/{x.r['keyset']}.json"); only(k, "type origin tender stage suite k n opens_at custodians")
            need(hx(self.files[self.at]) == x.r["keyset"] and (k["type"], k["suite"]) == ("trading.keyset/v1", "P256"))
            need((k["tender"], k["stage"], k["origin"]) == (self.tender, x.r["stage"], self.origin) and when(k["opens_at"]) >= when(self.ann["deadline"]))
            need(2 <= number(k["k"]) <= number(k["n"]) <= 9 and [number(c["i"]) for c in k["custodians"]] == list(range(1, k["n"] + 1)))
            need(all(len({c[f] for c in k["custodians"]}) == k["n"] for f in ("custodian", "pub")))
            for c in k["custodians"]: self.statement(c, k, x.i)
    def statement(self, c, k, made):
        f, who, h = self.j(f"statements/{c['statement']}.json"), c["custodian"], c["statement"]; raw, sig = unb64(f["statement"]), hx(canon(f["sig"]))
        o, keys = self.signed(raw, "custodian-key", "origin custodian name suite pub valid_from valid_to scope", f["sig"])
        need(only(c, "i custodian pub statement") and (hx(raw), o["suite"], o["custodian"], o["pub"]) == (h, "P256", who, c["pub"]))
        lo, hi, at = when(o["valid_from"]), when(o["valid_to"]), when(k["opens_at"])
        need(lo <= at <= hi and canon(o["scope"]) in (canon({"period": hi - lo <= 31 * 24 * HOUR}), canon({"tender": self.tender})))
        need(p256(unb64(o["pub"])) and all(d["custodian"] == who for q in self.keysets().values() for d in q["custodians"] if d["pub"] == c["pub"]))
        about = [y for y in self.of("custodian-key-registered", "rehearsed", tender=False) if y.r["statement"] == h]
        need({y.kind for y in about if y.i < made} == {"custodian-key-registered", "rehearsed"})
        for y in about:
            self.at, by = f"record {y.i} ({y.kind})", keys
            if y.kind == "rehearsed":
                challenge, proof = unhex(y.r["challenge"]), unhex(y.r["proof"])
                need(proof == sha(b"trading/rehearsed/v1\0" + challenge + unhex(y.r["r"])))
                by = signers(y.r["sig"], b"trading/rehearsed/v1\n" + sha(raw) + challenge + proof)
            need(all((who, "custodian") in self.who(q, y.t, "custodian") for q in by) and y.r.get("sig_hash", sig) == sig)

    def vouched(self, who, key, before=NEVER):
        return any(i < before and by and ("key" not in by or self.vouched(who, unb64(by["key"]), i)) for i, by, _ in self.regs.get((who, key), ()))
    def may(self, who, key, old, before):
        """May this key act at index `before`, after one of the keys `old` (None: as the first)?"""
        regs = [(i, by) for i, by, _ in self.regs.get((who, key), ()) if i < before]
        return bool(regs) and (old is None or key in old or self.vouched(who, key, before) or
                               any(by and "key" in by and self.may(who, unb64(by["key"]), old, i) for i, by in regs))
    def registration(self, x):
        h = x.r["registration"] if len(x.r["registration"]) == 64 else hx(unb64(x.r["registration"]))
        _, o, keys = self.bound(x, "registration", "bidder-key", "origin bidder key alg by", f"registrations/{h}.json")
        who, key, by, other = o["bidder"], unb64(o["key"]), o["by"], [k for k in keys if k != unb64(o["key"])]
        need((x.r["bidder"], x.r["subject"], x.r["key"]) == (who, who, o["key"]) and keys[key] == (o["alg"], None) and len(other) == (by is not None))
        need(not by or (set(by) in ({"key"}, {"x5c"}, {"authority"}) and keys[other[0]][1] == by.get("x5c")))
        if by and "key" in by: need(other[0] == unb64(by["key"]) and self.regs.get((who, other[0])))
        elif by and "authority" in by: need((by["authority"], "authority") in self.who(other[0], x.t, "authority"))
        elif by:
            certs, day = chain(by["x5c"]), EPOCH + timedelta(microseconds=x.t)
            serial = [a.value for a in certs[0].subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)]
            need(serial == [who] and self.who(sha(unb64(by["x5c"][-1])), x.t, "ca"))
            for n, c in enumerate(certs):
                c.verify_directly_issued_by(certs[min(n + 1, len(certs) - 1)]); need(c.not_valid_before_utc <= day <= c.not_valid_after_utc)
                need(n == 0 or c.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
        self.regs.setdefault((who, key), []).append((x.i, by, sha(x.raw)))
        return f"registrations/{h}.json"
    def v8(self):
        self.regs, self.acts, self.chains, gone = {}, {}, {}, {}
        self.exactly("registrations/.*", {self.registration(x) for x in self.of("bidder-key-registered", tender=False)})
        for x in self.of("deposited", "withdrawn"):
            bid, stage, seq = x.r["bid"], x.r.get("stage"), x.r.get("seq")
            if x.kind == "deposited":
                keys, base = "tender stage keyset bidder bid seq head boxes root size prev created client", f"bids/{bid}/{stage}/{seq}/"
                raw, o, keys = self.bound(x, "manifest", "bid", keys, base + "manifest.json", base + "sig.json"); links = {stage: o}
                need((o["stage"], o["bid"], o["seq"], o["keyset"]) == (stage, bid, seq, self.stages[stage]) and only(o["client"], "name version"))
                need(unb64(o["head"], 56) and unhex(o["root"]) and number(o["size"], 65672) % 65600 == 72 and when(o["created"]))
                need(len(o["boxes"]) == self.keysets()[stage]["n"] and all(p256(unb64(b, 113)[:65]) for b in o["boxes"]))
            else:
                raw, o, keys = self.bound(x, "withdrawal", "withdraw", "tender bidder bid stages", f"bids/{bid}/withdrawal.json"); links = o["stages"]
                need(o["bid"] == bid and set(links) == set(self.stages) and all(set(v) == {"seq", "prev"} for v in links.values()))
            need(bid not in gone and all(c[0].o["bidder"] == o["bidder"] for (b, _), c in self.chains.items() if b == bid))
            for s, link in links.items():
                c = self.chains.setdefault((bid, s), [])
                need(number(link["seq"], 1) == len(c) + 1 and link["prev"] == (hx(c[-1].raw) if c else None))
                need(all(by[1] is None and self.may(o["bidder"], k, c[-1].keys if c else None, x.i) for k, by in keys.items()))
                self.acts.setdefault(s, set()).update((o["bidder"], k) for k in keys)
                if x.kind == "deposited": c.append(Env(x.i, seq, o, raw, set(keys)))
                else: gone[bid] = x.i
        owed = {f"bids/{b}/{s}/{e.seq}/{f}.json" for (b, s), c in self.chains.items() for e in c for f in ("manifest", "sig")}
        self.exactly(f"{BID}/({S}/{N}/(manifest|sig)|withdrawal)\\.json", owed | {f"bids/{b}/withdrawal.json" for b in gone})
        bids, needed = {b for b, _ in self.chains}, [k for s in self.acts.values() for k in s]
        for who, key in needed:  # grows by the ancestors of its keys
            needed += {(who, unb64(by["key"])) for _, by, _ in self.regs[who, key] if by and "key" in by} - set(needed)
        need(all(self.chains.get((b, s)) for b in bids for s in self.stages) and set(needed) == set(self.regs))
        self.gone, self.eff = gone, {s: {b: self.chains[b, s][-1] for b in sorted(bids - set(gone))} for s in self.stages}

    def v9(self):
        self.closed, keys = {x.r["stage"]: x for x in self.of("closed")}, {}
        need(len(self.closed) == len([*self.of("closed")]) and set(self.closed) == set(self.stages))
        (_, self.opens), *other = {(number(x.r["count"]), x.r["opens"]) for x in self.closed.values()}; need(not other)
        for e in (e for c in self.eff.values() for e in c.values()): keys.setdefault((e.o["bid"], e.o["bidder"]), set()).update(e.keys)
        self.counted = {b for (b, w), k in keys.items() if w in self.ann.get("unvouched", []) or all(self.vouched(w, q) for q in k)}
        need(len({w for _, w in keys}) == len(keys))
        for s, x in self.closed.items():
            r, self.at = x.r, f"record {x.i} (closed)"; need(r["keyset"] == self.stages[s] and when(r["deadline"]) == max(self.deadlines(x.i)))
            self.at = f"record {x.i} (closed)"; need(re.fullmatch("" if r["opens"] else S, r["reason"]))
            if self.public and self.shut: continue
            acts = [y for y in self.of("deposited", "withdrawn", "refused") if y.r.get("stage", s) == s]; self.at = f"record {x.i} (closed)"
            need(all(y.i < x.i for y in acts if y.kind != "refused") and r["opens"] is (len(self.counted) >= self.ann["min_bids"]))
            events = sorted([sha(y.raw) for y in acts if y.i < x.i] + [self.regs[k][0][2] for k in self.acts.get(s, ()) if self.regs[k][0][0] < x.i])
            listed = sorted(sha(e.raw) for e in self.eff[s].values())
            need((len(events), tree(events).hex(), len(listed), tree(listed).hex()) == (r["events"], r["events_root"], r["count"], r["list_root"]))
        dead = [(b, s, e.seq, e.o["root"]) for (b, s), c in self.chains.items() for e in (c if b in self.gone else c[:-1])]
        need(sorted(dead) == sorted((x.r["bid"], x.r["stage"], x.r["seq"], x.r["root"]) for x in self.of("erased")))
        ours, self.at = [x for x in self.recs if x.r.get("tender") == self.tender], "serials"
        need(all(x.r["subject"] == self.tender and ("serial" in x.r) is x.clear for x in ours))
        need(sorted(x.r["serial"] for x in ours if x.clear) == list(range(1, sum(x.clear for x in ours) + 1)))
        last = None if self.public else [x.r["last_sserial"] for x in self.of("archived")][-1]
        need(last is None or sorted(x.r["sserial"] for x in ours if "sserial" in x.r) == list(range(1, last + 1)))
        done, blind = [*self.of("evaluation-closed")], [x for x in ours if not x.clear and x.kind not in CLOSING and "sserial" not in x.r]
        blind = sorted(sha(x.raw) for x in blind if not done or x.i < done[0].i)
        need(([(x.r["events"], x.r["events_root"]) for x in done] or [(0, tree([]).hex())]) == [(len(blind), tree(blind).hex())])

    def held(self, s): return not self.public or s in self.ann["public_stages"]
    def listing(self, s):
        """Envelopes to be opened: the effective ones, in a later stage those admitted of them."""
        admitted = [x.r["admitted"] for x in self.of("stage-settled")][-1] if self.later(s) else self.eff[s]
        return {b: e for b, e in self.eff[s].items() if b in admitted}
    def v10(self):
        self.rel, owed = {s: {} for s in self.stages}, set()
        for x in self.of("released"):
            s, i, shut = x.r["stage"], number(x.r["i"], 1), self.closed[x.r["stage"]]; who = self.keysets()[s]["custodians"][i - 1]["custodian"]
            need(self.opens and i not in self.rel[s] and shut.i < x.i and x.r["actor"]["id"] == who)
            if self.later(s):
                y = [y for y in self.of("stage-settled") if y.i < x.i][-1]
                need({q for _, q in self.behind(y, y.r["sig"], "tenderee", "authority")} == {"tenderee", "authority"})
            self.rel[s][i] = x.i, {}
            if not self.held(s): continue
            _, o, keys = self.bound(x, "release", "release", "tender stage keyset i closed shares", f"releases/{s}/{i}.json"); owed.add(self.at)
            need((o["stage"], number(o["i"]), o["keyset"], o["closed"]) == (s, i, self.stages[s], hx(shut.raw)))
            need(all((who, "custodian") in self.who(q, x.t, "custodian") for q in keys) and all(only(y, "bid seq y") for y in o["shares"]))
            need([(y["bid"], number(y["seq"])) for y in o["shares"]] == [(b, e.seq) for b, e in self.listing(s).items()])
            self.rel[s][i] = x.i, {y["bid"]: None if y["y"] is None else unb64(y["y"], 32) for y in o["shares"]}
        self.exactly("releases/.*", owed)
    def unsealed(self, s, b): return [x for x in self.of("unsealed") if (x.r["stage"], x.r["bid"]) == (s, b)]
    def ended(self, s, before): return any(x.i < before for x in self.of("window-ended") if x.r["stage"] == s)
    def opening(self, s, b, e):
        """What opened.json must hold: the verdict of envelope.md §7 from the releases before its last `unsealed`."""
        o, k, last = e.o, self.keysets()[s], max([x.i for x in self.unsealed(s, b)], default=NEVER)
        head, data = unb64(o["head"]), self.files.get(f"bids/{b}/{s}/{e.seq}/payload")
        fields = {f: o[f] for f in ("tender", "stage", "keyset", "bidder", "bid", "seq")}
        ctx = sha(b"trading/envelope/v1\n" + canon({"type": "trading.envelope/v1", **fields}))
        rel, ended = {i: y[b] for i, (n, y) in sorted(self.rel[s].items()) if n < last}, self.ended(s, last)
        missing = [c["i"] for c in k["custodians"] if c["i"] not in rel]
        cks = (combine(c) for c in combinations([(i, y) for i, y in rel.items() if y], k["k"]))
        ck = next((c for c in cks if content(c, head, ctx)[44:] == head[24:]), None)
        out = {"at": [], "files": [], "findings": [], "opening": None, "unvouched": b not in self.counted, "verdict": "X-STORE"}
        if ck:
            made = boxes(ck, ctx, head, k); wrong = [i for i, (_, box) in made.items() if box != unb64(o["boxes"][i - 1])]
            out |= {"ck": ck.hex(), "findings": [i for i in rel if i not in wrong and rel[i] != made[i][0]]}
        self.at = f"bids/{b}/{s}/{e.seq}/payload"
        if data is None: need(ended); return out
        need(tree([sha(b"\0" + data[p:p + 2**20]) for p in range(0, len(data), 2**20)]).hex() == o["root"])
        if data[:56] != head or len(data) != o["size"]: return out | {"verdict": "X-PAYLOAD"}
        if not ck: return out | ({"verdict": "X-COMMIT"} if not missing else {"verdict": "X-QUORUM", "at": missing} if ended else {"verdict": "PENDING"})
        try: plain = decrypt(content(ck, head, ctx), data[56:])
        except Exception: return out | {"verdict": "X-PAYLOAD"}
        if wrong: return out | {"verdict": "X-BOX", "at": wrong}
        try: opening, files = container(plain, ctx, self.ann["opening_schema"] if s == "form" else None)
        except Exception: return out | {"verdict": "X-CONTAINER"}
        return out | {"verdict": "OK", "opening": opening, "files": files}
    def v11(self):
        owed = set()
        for s, b, e in ((s, b, e) for s in self.stages if self.opens and self.held(s) for b, e in self.listing(s).items()):
            got, base = self.opening(s, b, e), f"bids/{b}/{s}/{e.seq}/"; owed |= {base + "opened.json"}
            if got["verdict"] != "X-STORE": owed.add(base + "payload")
            need(canon(got) == self.f(base + "opened.json"))
        self.exactly(r"bids/.*/(payload|opened\.json)", owed)
    def v12(self):
        for x in self.of("window-ended"): need(len(self.behind(x, x.r["sig"], "authority")) > 1)
        for x in self.of("unsealed"):
            s, b, r = x.r["stage"], x.r["bid"], x.r; final, v = self.unsealed(s, b)[-1].i == x.i, r["verdict"]
            need(self.opens and r["seq"] == self.listing(s)[b].seq and sorted(n for n, _ in self.rel[s].values())[self.keysets()[s]["k"] - 1] < x.i)
            need(v in VERDICTS and (final or v == "PENDING") and (v not in ("X-STORE", "X-QUORUM") or self.ended(s, x.i)))
            need(r["unvouched"] is (b not in self.counted) and (r["opening"] is None if v != "OK" else s == "form" or r["opening"] == {}))
            got = self.opening(s, b, self.eff[s][b]) if final and self.held(s) else r; self.at = f"record {x.i} (unsealed)"
            need(all(canon(got[f]) == canon(r[f]) for f in ("at", "findings", "opening", "unvouched", "verdict")))
        for s, b in ((s, b) for s in self.stages if self.opens for b in self.listing(s)):
            need(self.unsealed(s, b)[-1].r["verdict"] != "PENDING" or not [*self.of("candidates-published")])

    def v13(self):
        voids, made, owed = {x.r["attempt"]: x for x in self.of("draw-voided")}, [*self.of("draw-committed")], set()
        need(len({x.r["draw"] for x in self.of(*DRAWS)}) == bool(made) and len(voids) == len([*self.of("draw-voided")]))
        need([x.r["attempt"] for x in made] == list(range(1, len(made) + 1)) and all(x.r["attempt"] in range(1, len(made) + 1) for x in self.of(*DRAWS)))
        for x in made:
            before = voids.get(x.r["attempt"] - 1); self.at = f"record {x.i} (draw-committed)"
            need(x is made[0] or (before.i < x.i and all(x.r[f] == made[0].r[f] for f in ("pool_root", "pool_size", "roster_root", "leaves"))))
            if x.r["attempt"] > 2 or x.r["approved"]: self.behind(x, x.r["approved"], "authority", drop=["approved"])
            owed |= {f"draw/{x.r['draw']}/{x.r['attempt']}/{f}.json" for f in self.attempt(x, voids.get(x.r["attempt"]))}
        self.exactly("draw/.*", owed)
    def attempt(self, x, void):
        """One attempt of the draw (draw.md): the files it owes."""
        r, base, objects = x.r, f"draw/{x.r['draw']}/{x.r['attempt']}/", {"commit": {}, "nonce": {}}
        ids = {p["i"]: p["id"] for p in r["parties"]}; roles = [k[:2] for k in self.ids if k[1] != "ca" and k[3] <= x.t < k[4]]
        need(self.f(base + "commit.json") == x.raw and list(ids) == list(range(1, len(r["parties"]) + 1)) and len(set(ids.values())) == len(ids) > 1)
        need(set(ids.values()) <= dict(roles).keys() and any(q in ids.values() and role != "tenderee" for q, role in roles))
        rows, ctx = {n["i"]: n for n in self.j(base + "nonces.json")["nonces"]}, lp4(canon({"draw": r["draw"], "tender": self.tender, "type": "trading.draw/v1"}))
        for kind, field, where, sig in (("committed", "commit", "commit", "commit_sig"), ("revealed", "nonce", "reveal", "sig")):
            for y in (y for y in self.of(f"draw-nonce-{kind}") if y.r["attempt"] == r["attempt"]):
                i, row = number(y.r["i"]), rows[y.r["i"]]
                o, keys = self.signed(unb64(row[where]), "draw-nonce", f"draw tender attempt i draw_record {field}", row[sig])
                need(y.r["object"] == row[where] and y.r["sig_hash"] == hx(canon(row[sig])) and i not in objects[field] and x.i < y.i)
                need((o["draw"], o["attempt"], o["i"], o["draw_record"]) == (r["draw"], r["attempt"], i, hx(x.raw)))
                need(all(ids[i] in dict(self.who(q, y.t, "party", "tenderee", "custodian", "authority")) for q in keys))
                if field == "commit": objects[field][i] = y, o; need(self.seen(x) < y.t)
                else:
                    need(y.t <= when(r["reveal_by"]) and all(y.i > c.i for c, _ in objects["commit"].values())); objects[field][i] = unhex(o["nonce"])
                    need(objects["commit"][i][1]["commit"] == hx(b"trading/draw-nonce/v1\0" + ctx + bytes([i]) + lp4(objects[field][i])))
        self.at = base + "nonces.json"; commits, nonces = objects.values()
        need(list(rows) == sorted(commits) and len(rows) == len(self.js[self.at]["nonces"]) and set(self.js[self.at]) == {"nonces"})
        for i, row in rows.items(): only(row, "i commit commit_sig reveal sig" if i in nonces else "i commit commit_sig")
        if void: return need(void.r["culprit"] in set(ids) - set(nonces) and void.t > when(r["reveal_by"]) and void.i > x.i) and ("commit", "nonces")
        need(set(nonces) == set(ids)); leaves, secret = self.j(base + "leaves.json"), unhex(self.j(base + "secret.json")["secret"])
        need(r["secret_commit"] == hx(b"trading/draw-commit/v1\0" + ctx + lp4(secret)) and only(self.js[self.at], "secret"))
        need(hx(self.f(base + "leaves.json")) == r["leaves"] and only(leaves, "leaves") and all(only(q, "leaf specialties") for q in leaves["leaves"]))
        pool, seats = {unhex(q["leaf"]): q["specialties"] for q in leaves["leaves"]}, {q["specialty"]: number(q["count"]) for q in r["need"]}
        need(list(pool) == sorted(pool) and len(leaves["leaves"]) == len(pool) == r["pool_size"] and tree(list(pool)).hex() == r["pool_root"])
        ikm = lp4(secret) + b"".join(lp4(nonces[i]) for i in sorted(nonces)) + lp4(unhex(r["pool_root"]))
        seed = mac(mac(b"trading/draw/v1", ikm), b"seed\0" + ctx + b"\1"); count = Counter(s for q in pool.values() for s in set(q))
        home = {q: min((s for s in pool[q] if s in seats), key=lambda s: (count[s], s.encode())) for q in pool}
        order, calls = sorted(pool, key=lambda q: (mac(seed, q), q)), self.j(base + "calls.json")["calls"]
        need(only(self.js[self.at], "calls") and all(only(c, "leaf specialty outcome records") for c in calls))
        tries = {y.i: y for y in self.of("draw-called") if y.r["attempt"] == r["attempt"]}; self.at = base + "calls.json"
        need(sorted(i for c in calls for i in c["records"]) == sorted(tries) and [c["records"][0] for c in calls] == sorted(c["records"][0] for c in calls))
        for c in calls:
            mine = [tries[i] for i in c["records"]]; last = mine[-1]
            need(all((y.r["leaf"], y.r["specialty"], y.r["try"]) == (c["leaf"], c["specialty"], n) for n, y in enumerate(mine, 1)))
            need(all(y.r["outcome"] == "no_answer" for y in mine[:-1]) and last.r["outcome"] == c["outcome"] and pairwise(mine))
            need(c["outcome"] in ("seated", "declined", "conflict", "no_show") or (c["outcome"] == "unreachable" and len({y.r["channel"] for y in mine}) > 1
                 and last.t - mine[0].t >= HOUR // 6))
        for s, n in seats.items():
            mine = [c for c in calls if c["specialty"] == s]; need([c["leaf"] for c in mine] == [q.hex() for q in order if home[q] == s][:len(mine)])
            need(sum(c["outcome"] == "seated" for c in mine) == n and all(sum(  # never more calls open than seats free
                d["records"][-1] > c["records"][0] or d["outcome"] == "seated" for d in mine[:j]) < n for j, c in enumerate(mine)))
        panel, law = sorted(c["leaf"] for c in calls if c["outcome"] == "seated"), self.js["rulebook.json"]["panel"]
        need([sorted(y.r["leaves"]) for y in self.of("panel-seated")] == [panel] and all(c["specialty"] in seats for c in calls))
        need(len(panel) >= law.get("min", 0) and (len(panel) % 2 or not law.get("odd")))
        if self.public: return "commit", "nonces", "secret", "leaves", "calls"
        roster, heads = self.j(base + "names.json")["roster"], [*self.of("expert-admitted", tender=False)]; self.at = base + "names.json"
        need(only(self.js[self.at], "roster") and all(only(q, "leaf expert salt excluded") for q in roster))
        made = [sha(b"\0trading/expert/v1\0" + unhex(q["salt"], 16) + q["expert"].encode()) for q in roster]
        need([q["leaf"] for q in roster] == [q.hex() for q in made] and made == sorted(set(made)) and tree(made).hex() == r["roster_root"])
        need(len(made) == r["roster_size"] and [q["leaf"] for q in roster if q["excluded"] is None] == [q.hex() for q in pool])
        need(Counter(q["excluded"] for q in roster if q["excluded"] is not None) == r["excluded"])
        need(Counter(q["expert"] for q in roster) == Counter(y.r["expert"] for y in heads) and all(y.i < x.i for y in heads))
        need(sorted(y.r["sserial"] for y in heads) == list(range(1, len(heads) + 1)) and all(y.r["subject"] == "roster" for y in heads))
        for y in heads: self.at = f"record {y.i}"; need({q for q, _ in self.behind(y, y.r["sig"], "authority")} == {y.r["by"]})
        return "commit", "nonces", "secret", "leaves", "calls", "names"

    def v14(self):
        ranked, won, rejected = [*self.of("candidates-published")], [*self.of("awarded")], [(x.i, x.r["bid"]) for x in self.of("bid-rejected")]
        self.exactly("evaluation/totals.json", {"evaluation/totals.json"} if ranked else ())
        need(len(ranked) < 2 and len(won) < 2 and (ranked or not won) and (self.opens or not ranked))
        for x in ranked:
            sign = {"lowest-price/v1": 1, "highest-price/v1": -1}[self.ann["method"]]
            able = [b for b in self.counted if all(b in self.listing(s) and self.unsealed(s, b)[-1].r["verdict"] == "OK" for s in self.stages)]
            able = [(sign * self.unsealed("form", b)[-1].r["opening"]["price"], b) for b in able if not [i for i, c in rejected if c == b and i < x.i]]
            rows = [{"bid": b, "price": sign * p, "rank": n} for n, (p, b) in enumerate(sorted(able), 1)]
            need(canon({"method": self.ann["method"], "rows": rows, "tender": self.tender}) == self.f("evaluation/totals.json"))
            need(x.r["totals"] == hx(self.files[self.at]) and x.r["ranking"] in ([r["bid"] for r in rows], [r["bid"] for r in rows[:3]]))
            for y in won:
                bid = next(b for b in x.r["ranking"] if not [i for i, c in rejected if c == b and i < y.i]); self.at = f"record {y.i} (awarded)"
                need(y.r["bid"] == bid and [r["price"] for r in rows if r["bid"] == bid] == [number(y.r["price"])])
        for p in self.paths("evaluation/sheets/.*"):
            need(hx(self.f(p)) == p[18:-5] and any(p[18:-5].encode() in x.raw for x in self.recs if x.r.get("tender") == self.tender))
    def v15(self):
        book, rel, last = self.j("rulebook.json"), [*self.of("released")], [self.unsealed(s, b)[-1].i for s in self.stages for b in self.eff[s] if self.unsealed(s, b)]
        self.at = "rulebook.json"
        need(hx(self.files[self.at]) == self.ann["rulebook"] and book["type"] == "trading.rulebook/v1" and book["regime"] == self.ann["regime"])
        if "rules" in book: only(book, "type id regime rules panel")
        steps = [[self.announced], [x.i for x in self.closed.values()], last] + [[x.i for x in self.of(k)] for k in ("candidates-published", "awarded", "archived")]
        self.at = "order of steps"; need(steps[-1] and all(max(a) < b[-1] and max(a) < min(b if b is not steps[-1] else b[-1:]) for a, b in pairwise([s for s in steps if s])))
        for s in {x.r["stage"] for x in rel} - {"form"}: need(min(y.i for y in self.of("stored") if y.r["stage"] == s) < min(x.i for x in rel if x.r["stage"] == s))
        old = when(self.ann["deadline"])
        for x in self.of("deadline-moved"):
            new, (lo, hi) = when(x.r["deadline"]), [when(x.r["outage"][k]) for k in ("from", "to")] if x.r["outage"] else (NEVER, NEVER)
            least = hi + 2 * HOUR if lo <= old <= hi else old + 2 * HOUR if hi < old <= hi + 2 * HOUR else None
            need(old < new and (new >= least if least else x.t <= old and self.seen(x) <= old + 4 * self.beat)); old = new
        for x in self.of("bid-rejected"): need(self.opens and any(x.r["bid"] in c for c in self.eff.values()) and x.r["reason"] and x.r["article"])
    def v16(self):
        for x in self.of("awarded"):
            base, buy = self.ann["baseline"], {"buy": True, "sell": False}[self.ann["direction"]]
            gain, formula = base if base is None else (base - x.r["price"]) * (1 if buy else -1), f"{'baseline-minus-price' if buy else 'price-minus-baseline'}/v1"
            need(canon([x.r["baseline"], x.r["gain"], x.r["formula"]]) == canon([base, gain, None if base is None else formula]))
    def v17(self):
        if not self.receipts: return "pass (no receipt given)"
        later, first = set(), "type manifest nonce record promise".split()
        parsed = [(q, parse(unb64(q["record"]))) for q in map(json.loads, self.receipts)]
        for q, r in sorted(parsed, key=lambda p: -p[1].get("seq", 0)):
            self.at, raw, kind = f"receipt for {r['type']} {q['manifest']}", unb64(q["record"]), r["type"][8:-3]
            if r.get("tender", self.tender) != self.tender and r["tender"] in self.tenders: continue
            need(r.get("tender", self.tender) == self.tender and set(first) <= set(q) <= {*first, "proof", "listed"} and q["type"] == "trading.receipt/v1")
            e = b"\1" + sha(b"trading/record/v1\0" + unb64(q["nonce"], 32) + raw)
            edwards(self.policy.logs[self.origin]).verify(unb64(q["promise"], 64), b"trading/promise/v1\n" + e)
            i, note = self.proof(q["proof"].encode(), e) if "proof" in q else (self.a + self.entries.index(e), self.files["checkpoint"])
            size, root, _ = self.policy.note(note, self.origin)
            need(self.entries[i - self.a] == e if i >= self.a else size >= self.a)
            need(size < self.a or (size <= self.size and self.roots({size})[size] == root))
            need(q["manifest"] == r.get("manifest") and (self.public and self.shut or kind == "bidder-key-registered" or raw in {x.raw for x in self.recs}))
            if kind != "deposited": continue
            leaf, at, (bid, s) = unhex(q["manifest"]), q.get("listed"), (r["bid"], r["stage"])
            if at: root = climb(leaf, at["index"], self.closed[s].r["count"], [unhex(h) for h in at["path"]])
            seqs = [d.seq for d in self.chains.get((bid, s), ())] + [NEVER] * (bid in self.gone)
            need(root.hex() == self.closed[s].r["list_root"] if at else (seqs and max(seqs) >= r["seq"]) or (bid, s) in later); later.add((bid, s))

def read(paths, policy=None, parties=None, since=None, receipts=(), say=lambda line: None):
    """(0 or 3, first failing step or None, message) over archives; trust files, old checkpoint and receipts are paths too."""
    data, (policy, parties, since) = [Path(p).read_bytes() for p in paths], (p and Path(p).read_bytes() for p in (policy, parties, since))
    first, receipts, tenders = None, [Path(p).read_bytes() for p in receipts], {Path(p).name.rsplit(".", 2)[0] for p in paths}
    for path, d in zip(paths, data, strict=True):
        say(f"{path}: " + ("trust files from outside" if policy and parties else "self-consistent, trust not established"))
        fault = Archive(d, policy, parties, since, receipts, tenders).run(say); first = first or fault
    return (3, f"V{first[0]}", first[1]) if first else (0, None, "all steps hold")

if __name__ == "__main__":
    cli = ArgumentParser(prog="reader"); cli.add_argument("paths", nargs="+", metavar="FILE")
    for option in ("--policy", "--parties", "--since"): cli.add_argument(option)
    cli.add_argument("--receipt", nargs="+", action="extend", default=[], dest="receipts")
    try: sys.exit(read(**vars(cli.parse_args()), say=print)[0])
    except OSError as e: cli.error(str(e))
