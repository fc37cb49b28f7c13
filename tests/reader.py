"""A second reader of archives, written from bidding/envelope.md, audit/log.md and experts/draw.md alone: it shares no code with `trading
verify`, so that the two can disagree; exit 0 all hold, 3 one fails, 2 usage. Only stdlib and `cryptography`. Not read: zip64."""
# ruff: noqa: B020, E401, E501, E701, E702, I001, SIM300, SIM905
import argparse, base64, bisect, functools, hashlib, hmac, itertools, json, pathlib, re, struct, sys, traceback, types, zlib
from datetime import UTC, date, datetime, timedelta
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import reader_auction, reader_draw, reader_ledger, reader_life, reader_methods, reader_owed
from cryptography import x509; from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM; from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
H, N, S, BID, DRAW = "[0-9a-f]{64}", "(?:0|[1-9][0-9]*)", "[a-z0-9_]+", "bids/[0-9a-f]{32}", "draw/[!-.0-~]+/[1-9][0-9]*"
ROWS = {  # log.md §7: path -> exact keys (None: not an object, or a later step asks)
    rf"policy\.txt|parties\.txt|checkpoint|checkpoints/{N}|proofs/{N}\.tlog-proof|tsa/{N}\.tsr|{BID}/{S}/{N}/payload": None,
    rf"tile/entries/(x[0-9]{{3}}/)*[0-9]{{3}}(\.p/{N})?|evaluation/(totals|sheets/{H})\.json": None, rf"probes/{H}\.json": "probe sig",
    rf"{BID}/{S}/{N}/opened\.json": "at ck files findings opening unvouched verdict", rf"registrations/{H}\.json": "registration sig",
    rf"{DRAW}/(commit|nonces|secret|leaves|calls|names)\.json": None, r"archive\.json": "type edition tender origin size first",
    rf"{BID}/withdrawal\.json": "withdrawal sig", rf"{BID}/{S}/{N}/(manifest|sig)\.json": None, rf"records/{N}\.json": "index nonce record",
    rf"rulebook\.json|keysets/{H}\.json": None, rf"statements/{H}\.json": "statement sig", rf"releases/{S}/{N}\.json": "release sig",
    r"frontier\.json": "size hashes"}
CLOSING = set("bidder-key-registered deposited withdrawn refused erased".split())
BLINDED = CLOSING | set("""draw-called panel-seated panel-exhausted seat-keyed conflict-declared scores-committed report-answered
    expert-admitted panel-read auction-joined""".split())
OLDER = set("log-opened trust-published identity-vouched custodian-key-registered rehearsed bidder-key-registered".split())
PUBLIC = OLDER - CLOSING | set("""keyset-made project-announced deadline-moved closed stored window-ended released stage-settled unsealed
    bid-rejected candidates-published evaluation-closed archived awarded
    line-corrected draw-committed draw-nonce-committed draw-nonce-revealed draw-voided
    panel-requested panel-named abandoned width-changed tool-published""".split()) | {*reader_auction.AUCTION}
TIMED = set("deposited withdrawn closed released draw-called panel-seated".split()) | {x for x in PUBLIC if x.startswith("draw-")}
TIMED |= reader_auction.TIMED
SECOND, HOUR, DAY, NEVER, EPOCH = 10**6, 3600 * 10**6, 86400 * 10**6, 2**62, datetime(1970, 1, 1, tzinfo=UTC)
A, MANIFEST = types.SimpleNamespace(), "tender stage keyset bidder bid seq head boxes root size prev created client"
class D(dict): __getattr__ = dict.__getitem__  # so that a record's field reads x.stage. Encoding: envelope.md §1; trees: log.md §4
def need(ok): return bool(ok) or int("does not hold")  # a ValueError
def R(): return types.SimpleNamespace(**globals())  # the names here, for the parts of this reader
sha, hx, node = (lambda b: hashlib.sha256(b).digest()), (lambda b: hashlib.sha256(b).hexdigest()), (lambda a, b: sha(b"\1" + a + b))
def canon(x): return json.dumps(x, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
def only(x, keys): return need(isinstance(x, dict) and set(x) == set(keys.split()))
def legal(x, d=1):
    if not isinstance(x, dict | list): return x is None or isinstance(x, bool | str) or (type(x) is int and abs(x) < 2**53)
    return d < 17 and all(re.fullmatch(S, k) and legal(y, d + 1) for k, y in (x.items() if isinstance(x, dict) else [("_", y) for y in x]))
def parse(b, keys=None, kind=dict): x = json.loads(b.decode(), object_pairs_hook=D); return need(isinstance(x, kind)
     and legal(x) and canon(x) == b and (keys is None or only(x, keys))) and x
def unb64(s, n=None): return need(base64.b64encode(b := base64.b64decode(s)).decode() == s and n in (None, len(b))) and b
def unhex(s, n=32): return need(re.fullmatch("[0-9a-f]*", s) and len(s) == 2 * n) and bytes.fromhex(s)
def when(s): t = datetime.strptime(s,
     "%Y-%m-%dT%H:%M:%S.%f%z"); return need(f"{t:%Y-%m-%dT%H:%M:%S.%f}Z" == s) and (t - EPOCH) // timedelta(microseconds=1)
half, number = (lambda n: 1 << (n - 1).bit_length() - 1 if n > 1 else 0), (lambda x, least=0: need(type(x) is int and x >= least) and x)
def tree(h): return node(tree(h[:k]), tree(h[k:])) if (k := half(len(h))) else h[0] if h else sha(b"")
def climb(leaf, i, n, path):
    if (k := need(0 <= number(i) < n and (n > 1 or not path)) and half(n)) > i: return node(climb(leaf, i, k, path[:-1]), path[-1])
    return node(path[-1], climb(leaf, i - k, n - k, path[:-1])) if k else leaf
P25519, ORDER = 2**255 - 19, 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SMALL = {0, 1, P25519 - 1, 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7,  # signatures: envelope.md §1
         0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826}
def sound(point): return (y := int.from_bytes(point, "little") & (2**255 - 1)) < P25519 and y not in SMALL
def edwards(pub): return need(len(pub) == 32 and sound(pub)) and ed25519.Ed25519PublicKey.from_public_bytes(pub)
def p256(pub): return need(len(pub) == 65 and pub[0] == 4) and ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), pub)
def eddsa(pub, sig, msg): return need(len(sig) == 64 and sound(sig[:32]) and edwards(pub).verify(sig, msg) is None)
def point(key): return b"\4" + b"".join(n.to_bytes(32) for n in (key.public_numbers().x, key.public_numbers().y))
def cert_key(der): return point(k) if hasattr(k := x509.load_der_x509_certificate(der).public_key(), "curve") else k.public_bytes_raw()
def signers(sigs, msg):  # every signature of a non-empty array verifies: {key: (alg, x5c or None)}
    out = {}
    for s in sigs:
        need(isinstance(sigs, list) and set(s) in ({"alg", "key", "sig"}, {"alg", "x5c", "sig"}) and s.alg in ("EdDSA", "ES256"))
        key, sig = unb64(s.key) if "key" in s else cert_key(unb64(s.x5c[0])), unb64(s.sig, 64)
        out[key] = need(key not in out) and (s.alg, s.get("x5c"))
        if s.alg == "EdDSA": eddsa(key, sig, msg)
        else: p256(key).verify(utils.encode_dss_signature(*map(int.from_bytes, (sig[:32], sig[32:]))), msg, ec.ECDSA(hashes.SHA256()))
    return need(out) and out
def vkey(s, kind): name, keyid, pub = s.split("+", 2); raw = unb64(pub, 33); need(name and raw[0] == kind
     and edwards(raw[1:])); return need(sha(name.encode() + b"\n" + raw)[:4].hex() == keyid) and (name, bytes.fromhex(keyid), raw[1:])
def parties(text):  # [(id, role, key, from, until)]
    ids = []
    for role, who, key, lo, hi in map(str.split, need(text.endswith(b"\n")) and text.decode().splitlines()):
        need(role in ("authority", "custodian", "party", "ca")); name, _, key = (who, 0, unhex(key)) if role == "ca" else vkey(key, 1)
        ids += need(name == who) and [(who, role, key, when(lo), NEVER if hi == "-" else when(hi))]
    for p, q in itertools.combinations(ids, 2): need(p[0] == q[0] if p[2] == q[2] else p[:2] != q[:2] or p[4] <= q[3] or q[4] <= p[3])
    return ids
class Policy:
    def __init__(self, data):
        keys, self.names, self.quorum, seen = [], {}, None, []  # names: of witnesses and groups, (n, members)
        for line in need(data.endswith(b"\n")) and data.decode().splitlines():
            match line.split():
                case ["log", v, *url] if len(url) < 2: keys.append((None, vkey(v, 1)))
                case ["witness", name, v, *url] if len(url) < 2: keys.append((name, vkey(v, 4))); seen += [name]; self.names[name] = 1, ()
                case ["group", name, n, *ms] if set(ms) <= set(self.names):
                    self.names[name] = {"all": len(ms), "any": 1}.get(n) or int(n), ms; seen += [name, *((m,) for m in ms)]
                case ["quorum", name] if name in self.names and not self.quorum: self.quorum = name
                case words: need(not words or words[0].startswith("#"))
        self.keys, self.logs = {k[:2]: (name, k[2]) for name, k in keys}, {k[0] for name, k in keys if not name}
        need(self.quorum and len(self.logs) == 1 and len(set(seen)) == len(seen) and len({k[2] for _, k in keys}) == len(keys))
        need(all(0 < n <= max(len(ms), 1) for n, ms in self.names.values()))
    def met(self, name, have): return name in have or sum(self.met(m, have) for m in self.names[name][1]) >= self.names[name][0]
    def note(self, data, origin, strict=False):  # size, root and time of a signed note; the time is None without quorum
        body, _, tail = data.decode().rpartition("\n\n"); msg, times, logs = f"{body}\n".encode(), {}, []
        m = re.fullmatch(f"([^\n]+)\n({N})\n([^\n]+)", body); need(m and tail.endswith("\n") and {m[1]} == {origin} == self.logs)
        for s in (re.fullmatch("— ([^ ]+) ([^ ]+)", line) for line in tail[:-1].split("\n")):
            name, pub = self.keys.get((s[1], (raw := unb64(s[2]))[:4]), (None, None)); need(pub or not strict)
            if pub and not name: logs += [pub] if eddsa(pub, raw[4:], msg) and need(pub not in logs) else []
            elif pub: t = int.from_bytes(raw[4:12]); need(0 < t <= 253402300799 and not (strict and name
                 in times)); times[name] = eddsa(pub, raw[12:], f"cosignature/v1\ntime {t}\n".encode() + msg) and min(t, times.get(name, t))
        met = (t for t in sorted(times.values()) if self.met(self.quorum, {w for w, u in times.items() if u <= t}))
        return need(logs) and (int(m[2]), unb64(m[3], 32), next((t * SECOND for t in met), None))
LOG, EXP, _x = [0] * 256, [0] * 512, 1  # the envelope: envelope.md §3, §4, §7
for _i in range(255): EXP[_i], EXP[_i + 255], LOG[_x] = _x, _x, _i; _x ^= (_x << 1) ^ (0x11B if _x & 0x80 else 0)
def expand(key, info, n, algorithm=hashes.SHA512): return HKDFExpand(algorithm(), n, info).derive(key)
def labeled(prk, suite, label, info, n): return expand(prk, n.to_bytes(2) + b"HPKE-v1" + suite + label + info, n, hashes.SHA256)
def extract(salt, suite, label, ikm): return hmac.digest(salt, b"HPKE-v1" + suite + label + ikm, "sha256")
def poly(terms):  # the sum of y · 3^n
    return bytes(functools.reduce(int.__xor__, (EXP[LOG[y[i]] + n % 255] if y[i] else 0 for y, n in terms)) for i in range(32))
def combine(shares): return poly([(y, sum(LOG[j] - LOG[i ^ j] for j, _ in shares if j != i)) for i, y in shares])
def hpke(y, pub, info, ikm):
    kem, suite = b"KEM\0\x10", b"HPKE\0\x10\0\x01\0\x02"; prk = extract(b"", kem, b"dkp_prk", ikm)
    tries = (int.from_bytes(labeled(prk, kem, b"candidate", bytes([c]), 32)) for c in range(256)); sk = ec.derive_private_key(next(x
         for x in tries if 0 < x < ORDER), ec.SECP256R1()); enc = point(sk.public_key()); shared = labeled(extract(b"",
         kem, b"eae_prk", sk.exchange(ec.ECDH(), p256(pub))), kem, b"shared_secret", enc + pub, 32); context, secret = b"\0" + extract(b"",
         suite, b"psk_id_hash", b"") + extract(b"", suite, b"info_hash", info), extract(shared, suite, b"secret", b"")
    return enc + AESGCM(labeled(secret, suite, b"key", context, 32)).encrypt(labeled(secret, suite, b"base_nonce", context, 12), y, None)
def boxes(ck, ctx, head, ks):  # {i: (y_i, box_i)}, all from CK
    a, out = [ck] + [expand(ck, b"trading/share/v1\0" + ctx + bytes([j]), 32) for j in range(1, ks.k)], {}
    for i, pub, u8 in ((c.i, unb64(c.pub), bytes([c.i])) for c in ks.custodians):
        y, ikm = poly([(part, LOG[i] * j) for j, part in enumerate(a)]), expand(ck, b"trading/ephemeral/v1\0" + ctx + head + u8, 32)
        out[i] = y, hpke(y, pub, b"trading/box/v1\0" + ctx + u8 + head, ikm)
    return out
def content(ck, head, ctx): return expand(ck, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + head[:24] + ctx, 76)
def decrypt(keys, data): aead, nonce, cuts = AESGCM(keys[:32]), int.from_bytes(keys[32:44]), range(0,
     len(data), 16400); return b"".join(aead.decrypt((nonce ^ n).to_bytes(12), data[at:at + 16400], None) for n, at in enumerate(cuts))
def fits(v, kind, low=None, high=None):
    need(type(v) is int if kind in ("fen", "int") else isinstance(v, str) and kind in ("text", "date"))
    size, low, high = (date.fromisoformat(x) if kind == "date" and x is not None else x for x in (len(v) if kind == "text" else v,
         low, high)); need((kind != "date" or size.isoformat() == v) and (low is None or size >= low) and (high is None or size <= high))
def container(plain, ctx, schema):  # opening and files of a container; schema None: not the stage `form`
    pos = 4 + int.from_bytes(plain[:4]); h = parse(plain[4:pos], "type ctx files opening"); names = {f.name for f in h.files}; need(pos <=
         4 + 2**20 and h.type == "trading.container/v1" and h.ctx == ctx.hex() and isinstance(h.files, list) and len(names) == len(h.files))
    for f in h.files:
        data, pos = plain[pos:pos + number(f.size)], pos + f.size; need(only(f, "name size sha256 media") and isinstance(f.media, str))
        need(len(data) == f.size and hx(data) == f.sha256 and 0 < len(f.name.encode()) < 256 and not set(f.name) & set("/\\\0"))
    need(not names & {".", ".."} and len(plain) == -(-pos // 65536) * 65536 and not any(plain[pos:]) and (schema is None or not names))
    for k in set(schema or ()) & set(h.opening): fits(h.opening[k], schema[k].kind, schema[k].get("min"), schema[k].get("max"))
    need(isinstance(h.opening, dict) and set(h.opening) <= set(schema or ()))
    need(all(k in h.opening or rule.get("optional") is True for k, rule in (schema or {}).items()))
    return {"opening": h.opening, "files": h.files}
def run(say):  # the steps of log.md §8, over the archive A
    first, A.at = None, ""
    for n in range(1, 18):
        try: said = "not reached" if first and first[0] < 5 else globals()[f"v{n}"]() or "pass"
        except BaseException as e:  # some libraries panic outside Exception
            if isinstance(e, KeyboardInterrupt): raise
            at = [0, *(f.lineno for f in traceback.extract_tb(e.__traceback__) if f.filename == __file__ and f.name != "need")]
            said = f"fail: {A.at}: {e!r} in line {at[-1]}"; first = first or (n, said)
        say(f"V{n} {said}"); A.at = ""
    return first
def get(path): A.at = path; return A.files[path]
load, named = (lambda path: get(path) and A.js[path]), (lambda pattern: {p for p in A.files if re.fullmatch(pattern, p)})
def owes(pattern, owed):
    if odd := sorted(named(pattern) ^ set(owed)): A.at = f"missing or not owed: {odd[:5]}"; need(False)
def ours(x): return x.get("tender") == A.tender
def of(*kinds, every=False):
    for x in (x for x in A.recs if x.kind in kinds and (every or ours(x))): A.at = f"record {x.n} ({x.kind})"; yield x
def v1():
    d, A.files, A.js, A.trees, pos, end, lo = A.data, {}, {}, {}, 0, b"", 0
    while d.startswith(b"PK\3\4", pos):
        size, length = struct.unpack("<LH", d[pos + 22:pos + 28]); name = d[pos + 30:pos + 30 + length]; body = d[pos + 30 + length:][:size]
        both = struct.pack("<5H3L2H", 20, 0, 0, 0, 33, zlib.crc32(body), len(body), len(body), length, 0) + name
        A.at = name.decode("ascii"); end += b"PK\1\2\x14\3" + both[:26] + bytes(8) + struct.pack("<HL", 0x1A4, pos) + name
        need(d.startswith(b"PK\3\4" + both, pos) and A.at not in A.files); A.files[A.at], pos = body, pos + 30 + length + size
    n, paths, A.at = len(A.files), list(A.files)[1:], "MANIFEST"
    need(d[pos:] == end + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, n, n, len(end), pos, 0) and paths == sorted(paths))
    need(A.files.pop("MANIFEST").decode() == "".join(f"{hx(A.files[p])} {len(A.files[p])} {p}\n" for p in paths))
    for p in paths: A.at, (row, *_) = p, [k for r, k in ROWS.items() if re.fullmatch(r, p)]; x = A.js[p] = parse(A.files[p], None, list
         if p.endswith("/sig.json") else dict) if p.endswith(".json") else None; need(row is None
         or set(x) | ({"ck"} if "opened" in p else set()) == set(row.split()))
    for p in ("policy.txt", "parties.txt", "checkpoint", "rulebook.json"): get(p)
    fr, x = load("frontier.json"), load("archive.json"); A.born = int(re.fullmatch(f".+@({N})", x.tender)[1])
    A.public, A.tender, A.origin, A.a, A.size = x.edition == "public", x.tender, x.origin, number(x.first), number(x.size)
    need(x.type == "trading.archive/v1" and x.edition in ("public", "supervision") and isinstance(A.origin, str))
    need(number(fr.size) == A.a == A.born // 256 * 256 and A.born < A.size)
    for w, h in zip((1 << b for b in range(A.a.bit_length() - 1, -1, -1) if A.a >> b & 1), fr.hashes, strict=True):
        A.trees[lo, lo + w] = unhex(h); lo += w
    if A.public: owes(r"evaluation/sheets/.*|draw/.*/names\.json", ())
def v2():
    own, A.notes, A.ids = Policy(get("policy.txt")), {}, parties(get("parties.txt"))
    A.policy, A.ids = Policy(A.outside[0]) if A.outside[0] else own, parties(A.outside[1]) if A.outside[1] else A.ids
    A.trusted = {k[0] for k in A.ids if k[1] != "ca"}
    for p in ["checkpoint", *sorted(named("checkpoints/.*"))]:
        own.note(get(p), A.origin, True); A.notes[p] = size, _, t = A.policy.note(get(p), A.origin)
        need(t is not None and size == (A.size if p == "checkpoint" else int(p[12:])))
    owes("tsa/.*", ())
def root(a, z):  # of the leaves a … z, from the frontier and the entries
    if (a, z) in A.trees: return A.trees[a, z]
    return A.trees.setdefault((a, z), node(root(a, a + k), root(a + k, z)) if (k := half(z - a)) else sha(b"\0" + A.entries[a - A.a]))
def split(b):
    while b: m = int.from_bytes(b[:2]); yield b[2:2 + m]; b = b[2 + m:]
def v3():
    A.entries, names = [], set()
    for n in range(A.a // 256, -(-A.size // 256)):
        digits, w = str(n).zfill(-(-len(str(n)) // 3) * 3), min(256, A.size - 256 * n)
        b = get("tile/entries/" + re.sub("(...)(?=.)", r"x\1/", digits) + (f".p/{w}" if w < 256 else ""))
        names.add(A.at); es = [*split(b)]; need(len(es) == w and b == b"".join(len(e).to_bytes(2) + e for e in es))
        A.entries += es; need(all((e[0], len(e)) in ((1, 33), (3, 9)) or (e[0] == 2 and len(e) > 1) for e in es))
    beats = [(n, int.from_bytes(e[1:])) for n, e in enumerate(A.entries, A.a) if e[0] == 3]
    owes("tile/.*", names); A.beats, first, A.at = [i for i, _ in beats] + [A.size], beats[0][1] if A.a and beats else 1, "markers"
    need([m for _, m in beats] == list(range(first, first + len(beats))) and (A.a or A.entries[0][0] == 2) and A.born in dict(beats))
    for A.at, (size, top, _) in A.notes.items(): need(A.a <= size and root(0, size) == top)
    A.times = {n: t for p, (n, _, t) in A.notes.items() if p != "checkpoint"}
def record(n, raw, clear):
    x = parse(raw); kind = re.sub(r"^trading\.([a-z-]+)/v1$", r"\1", x.type); A.recs.append(x); need(only(x.actor, "kind id")
         and isinstance(x.subject, str) and len(raw) <= 65000 and kind not in (BLINDED if clear else PUBLIC) and not (A.public and
         ("sserial" in x or kind in ("expert-admitted", "panel-read")
         or (kind in CLOSING and A.shut)))); vars(x).update(n=n, kind=kind, raw=raw, clear=clear, t=when(x.time)); return x
def proof(text, e):  # index and checkpoint of a tlog-proof that holds for entry e
    head, _, note = text.partition(b"\n\n"); magic, index, *path = head.decode().split("\n"); i = int(index[6:])
    size, top, t = A.policy.note(note, A.origin); need(magic == "c2sp.org/tlog-proof@v1" and index == f"index {i}" and t is not None)
    return need(climb(sha(b"\0" + e), i, size, [unb64(h, 32) for h in path]) == top) and (i, note)
def entry(nonce, raw): return b"\2" + raw if nonce is None else b"\1" + sha(b"trading/record/v1\0" + unb64(nonce, 32) + raw)
def v4():
    A.recs, A.shut, owed, late = [], False, set(), 0
    for n, e in ((n, e) for n, e in enumerate(A.entries, A.a) if e[0] == 2): A.at = f"record {n}"; record(n, e[1:], True)
    A.shut = any(x.get("opens") is False for x in of("closed"))
    for p in sorted(named("records/.*")):
        f, n = load(p), int(p[8:-5]); raw = unb64(f.record); e, x = entry(f.nonce, raw), record(n, raw, f.nonce is None)
        if need(number(f.index) == n < A.size) and n >= A.a:
            need(A.entries[n - A.a] == e and not x.clear and (ours(x) or x.kind in ("bidder-key-registered", "expert-admitted"))); continue
        need(x.kind in OLDER or (x.kind == "expert-admitted" and not A.public))
        need(proof(get(f"proofs/{n}.tlog-proof"), e) == (n, A.files["checkpoint"])); owed.add(A.at)
    owes("proofs/.*", owed); A.recs.sort(key=lambda x: x.n)
    for x in A.recs: late = max(late, x.t if x.kind == "identity-vouched" else 0); x.since = max(x.t, late)
    A.at = "record 0"; need(A.recs[0].n == 0 and A.recs[0].kind == "log-opened")
def v5():
    if A.since is None: return "not in this edition"
    size, top, t = A.policy.note(A.since, A.origin)
    need(t is not None and size <= A.size); return "not in this edition" if size < A.a else need(root(0, size) == top) and None
def maybe(x):  # the deadline a record tells, if the record is one of its type
    try: return when(x.deadline) if x.kind != "deadline-moved" or reader_owed.moved(R(), x) else None
    except Exception: return None
def deadlines(n=NEVER): return [t for x in of("project-announced", "deadline-moved") if x.n < n and (t := maybe(x)) is not None]
def keysets(): return {str(x.get("stage")): k for x in of("keyset-made")
     if (k := A.js.get(f"keysets/{x.get('keyset')}.json")) and hx(canon(k)) == x.keyset}
def opening(s): return when(keysets()[s].opens_at)
hour, is_later = (lambda s: max([opening(s), *deadlines()])), (lambda s: opening(s) > min(map(opening, A.stages)))
def known(key, t, *roles): return {k[:2] for k in A.ids if k[2] == key and k[1] in roles and k[3] <= t < k[4]}
over, span = (lambda x: A.beats[bisect.bisect_right(A.beats, x.n)]), (lambda o: (when(o["from"]), when(o.to)))
def behind(x, *roles):  # {(id, role)} behind the signatures of a record over itself, each known in one of these roles at its time
    rest = {k: v for k, v in x.items() if k not in ("actor", "time", "serial", "sserial", "sig")}; ids = [known(k, x.since, *roles)
         for k in signers(x.sig, b"trading/record-sig/v1\n" + canon(rest))]; return need(all(ids)) and set().union(*ids)
def signed(raw, kind, keys, sig):  # a signed object of this log and tender, and its signers
    o = parse(raw, "type " + keys); need(o.type == f"trading.{kind}/v1" and o.get("origin", A.origin) == A.origin
         and o.get("tender", A.tender) == A.tender); return o, signers(sig, f"trading/{kind}/v1\n".encode() + raw)
def bound(x, field, kind, keys, path, sig=None):  # (bytes, object, signers) from a file that record x names by hash, or carries
    f, sig = load(path), load(sig) if sig else load(path).sig; raw = A.files[path] if field == "manifest" else unb64(f[field])
    need(x[field] in (hx(raw), base64.b64encode(raw).decode()) and x.sig_hash == hx(canon(sig))); return raw, *signed(raw, kind, keys, sig)
def v6():
    zero, closed, sets, first, probes = A.recs[0], {str(x.get("stage")): x for x in of("closed")}, keysets(), {}, set()
    factor = 1 if zero.clock is None else need(only(zero.clock, "base factor start") and A.origin.startswith("demo.")) and zero.clock.factor
    A.beat, moved = number(zero.beat, 1) * number(factor, 1) * SECOND, [x for x in of("deadline-moved") if x.get("outage") and maybe(x)]
    mine = set(re.findall(H, str(sets)))
    owed, slack = {A.born} if "rules" in A.js["rulebook.json"] else set(), 4 * A.beat + 30 * factor * SECOND; A.slack = slack
    for x in A.recs:
        about = str(x.get("statement")) if x.kind in ("custodian-key-registered", "rehearsed") else None
        new = about in mine and first.setdefault((x.kind, about), x) is x
        if x.n >= A.a and (ours(x) or not x.clear or new): owed.add(over(x)); x.since = max(x.since, A.times.get(over(x), 0) - slack)
    if closed: owed.add(max(n for n in A.beats if n <= min(x.n for x in of("closed"))))
    for x in moved:
        lo, hi = span(x.outage); last = max(n for n, t in A.times.items() if t <= lo)
        after = A.beats[A.beats.index(last) + 1]; need(lo < hi <= A.times[after] and A.times[after] - A.times[last] > 4 * A.beat)
        owed |= {last, after}; need(x.outage.probes or len(behind(x, "authority")) > 1)
        for h in x.outage.probes: p = load(f"probes/{h}.json"); o, keys = signed(unb64(p.probe), "probe", "origin from to seen",
             p.sig); probes.add(A.at); need(hx(unb64(p.probe)) == h and set(keys) <= {pub for name, pub in A.policy.keys.values() if name}
             and o.seen is False and when(o["from"]) <= hi and when(o.to) >= lo)
    owes("probes/.*", probes); owes("checkpoints/.*", {f"checkpoints/{n}" for n in owed})
    times = [A.times[n] for n in sorted(A.times)] + [A.notes["checkpoint"][2]]; need(times == sorted(times))
    for x in of(*TIMED):
        t, T, stage, kind = x.t, A.times[over(x)], str(x.get("stage")), x.kind
        need(abs(T - t) <= slack or any(lo - slack <= t and hi + slack >= T for lo, hi in (span(y.outage) for y in moved)))
        for end in (d for s, c in closed.items() if (kind == "withdrawn" or stage == s) and (d := maybe(c)) is not None):
            need(kind not in ("deposited", "withdrawn") or (t <= end and (kind == "withdrawn" or T <= end + 4 * A.beat)))
            given = [y.n for y in of("abandoned") if reader_owed.text(y.get("reason")) and y.n < x.n]
            need(kind != "closed" or ((t >= end or given) and T <= t + 4 * A.beat))
        if kind == "released" and "opens_at" in sets.get(stage, ()): need(min(t, T) >= hour(stage))
def v7():
    for p in ("policy", "parties"): need(hx(get(f"{p}.txt")) in {x[p] for x in of("log-opened", "trust-published", every=True)})
    need(A.recs[0].origin == A.recs[0].subject == A.origin and not [x for x in A.recs if x.n < A.born and ours(x)])
    for x in of("identity-vouched", every=True):
        by, key, lo = {x.by} if isinstance(x.by, str) else set(x.by), vkey(x.vkey, 1), when(x["from"])
        need({w for w, _ in behind(x, "authority")} == by and key[0] == x.id and x.role in ("custodian", "tenderee", "party"))
        if x.id in A.trusted: continue
        old = [k for k in A.ids if k[:2] == (x.id, x.role)]; need(not old or len(by) > 1); A.ids = [(*k[:4], min(k[4], lo)) if k
             in old else k for k in A.ids]; A.ids.append((x.id, x.role, key[2], max(lo, x.t), NEVER if x.until is None else when(x.until)))
    made, ann = [*of("keyset-made")], [*of("project-announced")]; need(len(ann) == 1)
    A.ann, A.stages = ann[0], reader_owed.announced(R(), ann[0]).keysets
    need({x.stage: x.keyset for x in made} == A.stages and 0 < len(made) == len(A.stages) and set(A.ann.public_stages) <= set(A.stages))
    need(all(x.n < A.ann.n for x in made) and all(x.n > A.ann.n for x in of("deposited"))); owes("keysets/.*", {f"keysets/{x.keyset}.json"
         for x in made}); owes("statements/.*", {f"statements/{c.statement}.json" for k in keysets().values() for c in k.custodians})
    for x in made:
        k = load(f"keysets/{x.keyset}.json"); only(k, "type origin tender stage suite k n opens_at custodians")
        need((hx(A.files[A.at]), k.type, k.suite) == (x.keyset, "trading.keyset/v1", "P256") and when(k.opens_at) >= when(A.ann.deadline))
        need((k.tender, k.stage, k.origin) == (A.tender, x.stage, A.origin) and 2 <= number(k.k) <= number(k.n) <= 9)
        need([number(c.i) for c in k.custodians] == list(range(1, k.n + 1))
             and len({c.custodian for c in k.custodians}) == k.n == len({c.pub for c in k.custodians}))
        for c in k.custodians: statement(c, k, x.n)
def statement(c, k, made):
    f = load(f"statements/{c.statement}.json"); raw, sig, who = unb64(f.statement), hx(canon(f.sig)), c.custodian
    o, keys = signed(raw, "custodian-key", "origin custodian name suite pub valid_from valid_to scope", f.sig)
    lo, hi = when(o.valid_from), when(o.valid_to); need(only(c, "i custodian pub statement") and (hx(raw), o.suite, o.custodian, o.pub) ==
         (c.statement, "P256", who, c.pub) and p256(unb64(c.pub)) and lo <= when(k.opens_at) <= hi and canon(o.scope) in (canon({"period":
         hi - lo <= 31 * DAY}), canon({"tender": A.tender})) and all(d.custodian == who for q in keysets().values() for d in q.custodians
         if d.pub == c.pub)); about = [y for y in of("custodian-key-registered", "rehearsed", every=True) if y.statement == c.statement]
    need({y.kind for y in about if y.n < made} == {"custodian-key-registered", "rehearsed"})
    for y in about:
        A.at, by = f"record {y.n} ({y.kind})", keys
        if y.kind == "rehearsed": challenge, answer = unhex(y.challenge), unhex(y.proof); need(answer == sha(b"trading/rehearsed/v1\0"
             + challenge + unhex(y.r))); by = signers(y.sig, b"trading/rehearsed/v1\n" + sha(raw) + challenge + answer)
        need(all((who, "custodian") in known(q, y.since, "custodian") for q in by) and y.get("sig_hash", sig) == sig)
def line(who, key, before=NEVER):  # a key and those that registered it, one before the other: [(key, by)]
    n, by, _ = A.regs.get((who, key), (NEVER, None, None))
    return [] if n >= before else [(key, by), *(line(who, unb64(by.key), n) if by and "key" in by else ())]
def vouched(who, key): return any(by and "key" not in by for _, by in line(who, key))
def registration(x):
    h = x.registration if len(x.registration) == 64 else hx(unb64(x.registration)); _, o, keys = bound(x, "registration", "bidder-key",
         "origin bidder key alg by", f"registrations/{h}.json"); who, key, by, other = o.bidder, unb64(o.key), o.by, [k for k in keys
         if k != unb64(o.key)]; need((x.bidder, x.subject, x.key) == (who, who, o.key) and keys[key] == (o.alg, None) and len(other)
         == (by is not None) and (not by or (set(by) in ({"key"}, {"x5c"}, {"authority"}) and keys[other[0]][1] == by.get("x5c"))))
    if by and "key" in by: need(other[0] == unb64(by.key) and (who, other[0]) in A.regs)
    elif by and "authority" in by: need((by.authority, "authority") in known(other[0], x.since, "authority"))
    elif by:
        certs, day = [x509.load_der_x509_certificate(unb64(c)) for c in by.x5c], EPOCH + timedelta(microseconds=x.t)
        need([a.value for a in certs[0].subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)] == [who])
        need(known(sha(unb64(by.x5c[-1])), x.since, "ca") and all(c.not_valid_before_utc <= day <= c.not_valid_after_utc for c in certs))
        for c, above in itertools.pairwise([*certs, certs[-1]]):
            c.verify_directly_issued_by(above); need(above.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    A.regs.setdefault((who, key), (x.n, by, sha(x.raw))); return f"registrations/{h}.json"
def v8():
    A.regs, A.acts, A.chains, A.gone = {}, {}, {}, set()
    owes("registrations/.*", {registration(x) for x in of("bidder-key-registered", every=True)})
    for x in of("deposited", "withdrawn"):
        bid, stage, seq = x.bid, x.stage if x.kind == "deposited" else None, x.get("seq"); base = f"bids/{bid}/{stage}/{seq}/"
        if stage:
            raw, o, keys = bound(x, "manifest", "bid", MANIFEST, base + "manifest.json", base + "sig.json")
            links = {stage: o}; need((o.stage, o.bid, o.seq, o.keyset) == (stage, bid, seq, A.stages[stage])
                 and only(o.client, "name version") and when(o.created) and unb64(o.head, 56) and unhex(o.root) and number(o.size,
                 65672) % 65600 == 72 and len(o.boxes) == keysets()[stage].n and all(p256(unb64(b, 113)[:65]) for b in o.boxes))
        else:
            raw, o, keys = bound(x, "withdrawal", "withdraw", "tender bidder bid stages", f"bids/{bid}/withdrawal.json")
            links = o.stages; need(o.bid == bid and set(links) == set(A.stages) and all(only(v, "seq prev") for v in links.values()))
        ((key, (_, x5c)),) = keys.items(); need(x5c is None and bid not in A.gone)
        for s, link in links.items():
            c = A.chains.setdefault((bid, s), []); A.acts.setdefault(s, set()).add((o.bidder, key)); above = {k for k,
                 _ in line(o.bidder, key, x.n)}; need(number(link.seq, 1) == len(c) + 1 and link.prev == (hx(c[-1].raw) if c else None))
            need(above and (not c or c[-1].key in above or vouched(o.bidder, key)) and all(e.o.bidder == o.bidder for q in A.stages
                 for e in A.chains.get((bid, q), ()))); c += [types.SimpleNamespace(seq=seq, o=o, raw=raw, key=key)] if stage else []
        A.gone |= set() if stage else {bid}
    owed = {f"bids/{b}/{s}/{e.seq}/{f}.json" for (b, s), c in A.chains.items() for e in c for f in ("manifest", "sig")}
    owes(f"{BID}/({S}/{N}/(manifest|sig)|withdrawal)\\.json", owed | {f"bids/{b}/withdrawal.json" for b in A.gone})
    bids, needed = {b for b, _ in A.chains}, {(who, k) for s in A.acts.values() for who, key in s for k, _ in line(who, key)}
    need(all(A.chains.get((b, s)) for b in bids for s in A.stages) and needed == set(A.regs))
    A.eff = {s: {b: A.chains[b, s][-1] for b in sorted(bids - A.gone)} for s in A.stages}
def v9():
    A.closed, keys, mine = {x.stage: x for x in of("closed")}, {}, [x for x in A.recs if ours(x)]; given = [*of("abandoned")]
    need(sorted(x.stage for x in of("closed")) == sorted(A.stages)); ends = {x.get("reason") for x in of("tender-terminated")}
    need(len(given) < 2 and all(re.fullmatch(S, x.reason) and x.reason in ends and x.n < y.n for x in given for y in A.closed.values()))
    ((_, A.opens),) = {(number(x["count"]), x.opens) for x in A.closed.values()}; need(A.opens is False or (A.opens is True and not given))
    for e in (e for c in A.eff.values() for e in c.values()): keys.setdefault((e.o.bid, e.o.bidder), []).append(e.key)
    A.counted = {b for (b, w), k in keys.items() if w in A.ann.get("unvouched", []) or all(vouched(w, q) for q in k)}
    need(len({w for _, w in keys}) == len(keys))
    for s, x in A.closed.items():
        end, acts = max(deadlines(x.n)), [y for y in of("deposited", "withdrawn", "refused") if y.get("stage", s) == s]
        A.at = f"record {x.n} (closed)"; need(x.keyset == A.stages[s] and when(x.deadline) == end)
        need(re.fullmatch("" if A.opens else "abandoned" if given else f"(?!abandoned$){S}", x.reason))
        if A.public and A.shut: continue
        need(all(y.n < x.n for y in acts if y.kind != "refused") and (given or A.opens is (len(A.counted) >= number(A.ann.min_bids))))
        events = sorted([sha(y.raw) for y in acts if y.n < x.n] + [A.regs[k][2] for k in A.acts.get(s, ()) if A.regs[k][0] < x.n])
        listed = sorted(sha(e.raw) for e in A.eff[s].values())
        need((len(events), tree(events).hex(), len(listed), tree(listed).hex()) == (x.events, x.events_root, x["count"], x.list_root))
    dead = [(b, s, e.seq, e.o.root) for (b, s), c in A.chains.items() for e in (c if b in A.gone else c[:-1])]
    need(sorted(dead) == sorted((x.bid, x.stage, x.seq, x.root) for x in of("erased") if x.n < A.closed[x.stage].n))
    A.at = "serials"; need(all(x.subject == A.tender and ("serial" in x) is x.clear for x in mine))
    need(sorted(number(x.serial) for x in mine if x.clear) == list(range(1, sum(x.clear for x in mine) + 1)))
    last, done = [number(x.last_sserial) for x in of("archived")][-1], [*of("evaluation-closed")]; need(A.public or sorted(number(x.sserial)
         for x in mine if "sserial" in x) == list(range(1, last + 1))); rest = [x for x in mine if not x.clear and x.kind not in CLOSING
         and "sserial" not in x]; need(not done or all(x.n < done[0].n for x in rest))
    rest = sorted(sha(x.raw) for x in rest); need(len(dead) ==
         len([*of("erased")]) and ([(x.events, x.events_root) for x in done] or [(0, tree([]).hex())]) == [(len(rest), tree(rest).hex())])
held, day = (lambda s: not A.public or s in A.ann.public_stages), (lambda t: (t + 8 * HOUR) // DAY)
def listing(s, every=False):  # envelopes to be opened: the effective ones, in a later stage those admitted of them
    late = is_later(s); able = next((x.admitted for x in of("stage-settled") if x.stage == s), ()) if late else A.eff[s]
    every |= not [*of("tender-terminated", *["tender-failed"] * late)]  # else what was opened before its end
    return {b: e for b, e in A.eff[s].items() if b in able and (every or unsealed(s, b))}
def v10():
    A.rel, owed = {s: {} for s in A.stages}, set()
    for x in of("window-ended"): late = {c.i for c in keysets()[x.stage].custodians} - {y.i for y in of("released")
         if y.get("stage") == x.stage and y.n < x.n}; need(len(behind(x, "authority")) > 1 and sorted(x.missing) == sorted(late))
    for x in of("stage-settled"): need({q for _, q in behind(x, "tenderee", "authority")} == {"tenderee", "authority"}); need(all(b not
         in x.admitted if not u else u[-1].n < x.n and (b not in x.admitted or u[-1].verdict == "OK") for s in A.stages if not is_later(s)
         for b in {*A.eff[s], *x.admitted} for u in (unsealed(s, b),)) and is_later(x.stage))
    for x in of("released"):
        s, i, shut = x.stage, number(x.i, 1), A.closed[x.stage]
        who = keysets()[s].custodians[i - 1].custodian; need(A.opens and i not in A.rel[s] and shut.n < x.n and x.actor.id == who)
        A.rel[s][i] = x.n, {}; need(not is_later(s) or any(y.n < x.n for y in of("stage-settled")))
        if not held(s): continue
        _, o, keys = bound(x, "release", "release", "tender stage keyset i closed shares", f"releases/{s}/{i}.json"); owed.add(A.at)
        need((o.stage, number(o.i), o.keyset, o.closed) == (s, i, A.stages[s], hx(shut.raw)) and all(only(y, "bid seq y") for y in o.shares)
             and all((who, "custodian") in known(q, x.since, "custodian") for q in keys))
        need([(y.bid, number(y.seq)) for y in o.shares] == [(b, e.seq) for b, e in listing(s, True).items()])
        A.rel[s][i] = x.n, {y.bid: None if y.y is None else unb64(y.y, 32) for y in o.shares}
    owes("releases/.*", owed)
def unsealed(s, b): return [x for x in of("unsealed") if (x.get("stage"), x.get("bid")) == (s, b)]
def ended(s, before): return any(x.n < before for x in of("window-ended") if x.stage == s)
def verdict(s, b, e):  # what opened.json must hold (envelope.md §7), from the releases before its last `unsealed`
    o, k, last, base = e.o, keysets()[s], max([x.n for x in unsealed(s, b)], default=NEVER), f"bids/{b}/{s}/{e.seq}/"
    head, data, late, rel = unb64(o.head), A.files.get(base + "payload"), ended(s, last), {i: y[b] for i, (n, y) in sorted(A.rel[s].items())
         if n < last}; fields, missing = {f: o[f] for f in ("tender", "stage", "keyset", "bidder", "bid", "seq")}, [c.i
         for c in k.custodians if c.i not in rel]; ctx = sha(b"trading/envelope/v1\n" + canon({"type": "trading.envelope/v1", **fields}))
    cks = (combine(c) for c in itertools.combinations([(i, y) for i, y in rel.items() if y], k.k))
    ck = next((c for c in cks if content(c, head, ctx)[44:] == head[24:]), None)
    out = {"at": [], "files": [], "findings": [], "opening": None, "unvouched": b not in A.counted, "verdict": "PENDING"}
    if ck: made = boxes(ck, ctx, head, k); wrong = [i for i, (_, box) in made.items()
         if box != unb64(o.boxes[i - 1])]; out |= {"ck": ck.hex(), "findings": [i for i in rel if i not in wrong and rel[i] != made[i][0]]}
    if data is None: return out | {"verdict": "X-STORE"} if late else out
    A.at = base + "payload"; need(tree([sha(b"\0" + data[p:p + 2**20]) for p in range(0, len(data), 2**20)]).hex() == o.root)
    if data[:56] != head or len(data) != o.size: return out | {"verdict": "X-PAYLOAD"}
    if not ck: return out | ({"verdict": "X-COMMIT"} if not missing else {"verdict": "X-QUORUM", "at": missing} if late else {})
    try: plain = decrypt(content(ck, head, ctx), data[56:])
    except Exception: return out | {"verdict": "X-PAYLOAD"}
    if wrong: return out | {"verdict": "X-BOX", "at": wrong}
    try: return out | container(plain, ctx, A.ann.opening_schema if s == "form" else None) | {"verdict": "OK"}
    except Exception: return out | {"verdict": "X-CONTAINER"}
def v11():
    A.got, owed = {}, set()
    for s, b, e in [(s, b, e) for s in A.stages if A.opens and held(s) for b, e in listing(s).items()]:
        got, base = A.got.setdefault((s, b), verdict(s, b, e)), f"bids/{b}/{s}/{e.seq}/"; need(canon(got) == get(base + "opened.json"))
        owed |= {base + "opened.json"} | ({base + "payload"} if got["verdict"] != "X-STORE" else set())
    owes(r"bids/.*/(payload|opened\.json)", owed)
def v12():
    for x in of("unsealed"):
        s, b, v = x.stage, x.bid, x.verdict; final = unsealed(s, b)[-1] is x; got = A.got[s, b] if final and held(s) else x
        need(A.opens and x.seq == listing(s)[b].seq and (sum(n < x.n for n, _ in A.rel[s].values()) >= keysets()[s].k or ended(s, x.n)))
        need(re.fullmatch("OK|PENDING|X-(STORE|PAYLOAD|QUORUM|COMMIT|BOX|CONTAINER)", v) and (final or v == "PENDING"))
        need((v not in ("X-STORE", "X-QUORUM") or ended(s, x.n)) and x.unvouched is (b not in A.counted))
        need(x.opening is None if v != "OK" else s == "form" or x.opening == {}); A.at = f"record {x.n} (unsealed)"
        need(all(canon(got[f]) == canon(x[f]) for f in ("at", "findings", "opening", "unvouched", "verdict")))
    last, A.at = [unsealed(s, b)[-1].verdict for s in A.stages if A.opens for b in listing(s)], "unsealed"
    need("PENDING" not in last or not [*of("candidates-published")])
def v13(): return reader_draw.v13(R(), A)
def rule(i): return next((r.value for r in A.js["rulebook.json"].get("rules", ()) if r.id == i), None)
def reserved():  # the reserve price, from the clear records of its own box (log.md §8, V14)
    ann, won, out = A.ann, [*of("awarded")], [x.n for x in of("candidates-published")]
    if ann.get("reserve_of") is not None: need(set(A.stages) == {"form"} and ann.min_bids == 1 and not won and not out
         and all(e.o.bidder == ann.get("owner") for e in A.eff["form"].values()))
    if ann.get("reserve") is None: return
    box, A.at = ann.reserve, f"record {ann.n} (project-announced)"; need(isinstance(box, str) and box != A.tender
         and box.rpartition("@")[0] == A.tender.rpartition("@")[0]); theirs = {k: [x for x in A.recs if x.clear and x.kind == k
         and x.get("tender") == box and x.get("stage") == "form"] for k in ("closed", "unsealed")}; shut, told = theirs.values()
    need(len(shut) < 2)
    if not out: return
    need(shut and min(x.n for x in A.closed.values()) < shut[0].n < min(out) and (told or shut[0].get("opens") is not True))
    if shut[0].get("opens") is not True: need(not told); return
    last = told[-1]; need(last.verdict != "PENDING" and last.n < min(out) and len({x.bid for x in told}) == 1)
    need(all(isinstance(y, str) for x in told for y in (x.bid, x.verdict)) and (last.verdict != "OK" or type(last.opening.price) is int))
    if last.verdict == "OK" and ann.direction == "sell": need(all(x.price >= last.opening.price for x in won))
def v14(): reserved(); return reader_methods.v14(R())  # the methods of evaluation
def v15():  # the life of the tender, and its auction
    said = reader_life.v15(R()); reader_owed.owed(R(), A)
    heard = reader_auction.auction(R(), A, lambda n: reader_methods.able(R(), n))
    return f"{said or 'pass'} ({heard})" if heard else said
def v16(): return reader_ledger.v16(R(), A)  # the gain, its corrections, published lines
def v17():
    acts, keys, given = set(), set("type manifest nonce record promise".split()), [json.loads(q, object_pairs_hook=D) for q in A.receipts]
    for q, x, raw in sorted(((q, parse(unb64(q.record)), unb64(q.record)) for q in given), key=lambda p: -p[1].get("seq", 0)):
        A.at, e, tender = f"receipt for {x.type} {q.manifest}", entry(q.nonce, raw), x.get("tender", A.tender)
        if tender in A.tenders - {A.tender}: continue
        need(tender == A.tender and keys <= set(q) <= keys | {"proof", "listed"} and q.type == "trading.receipt/v1")
        eddsa([pub for name, pub in A.policy.keys.values() if not name][-1], unb64(q.promise), b"trading/promise/v1\n" + e)
        n, note = proof(q.proof.encode(), e) if "proof" in q else (A.a + A.entries.index(e), A.files["checkpoint"])
        size, top, _ = A.policy.note(note, A.origin); need(not A.a <= size <= A.size or root(0, size) == top)
        need(q.manifest == x.get("manifest") and (n < A.a or A.entries[n - A.a] == e) and
             (A.public and A.shut or "key" in x.type or raw in {y.raw for y in A.recs}))
        if x.type != "trading.deposited/v1": continue
        at, here, shut = q.get("listed"), (x.bid, x.stage), A.closed[x.stage]; acts.add((*here, x.seq)); seqs = [d.seq
             for d in A.chains.get(here, ())] + [NEVER] * (x.bid in A.gone) + [a[2] - 1 for a in acts if a[:2] == here and a[2] > x.seq]
        if at: need(climb(unhex(q.manifest), at["index"], shut["count"], [unhex(h) for h in at.path]).hex() == shut.list_root)
        else: need(max(seqs, default=0) >= x.seq)
    return None if given else "not in this edition"
def read(paths, policy=None, parties=None, since=None, receipts=(), ledger=None, say=lambda line: None):
    def data(p): return p and pathlib.Path(p).read_bytes()
    tenders, given, faults = {pathlib.Path(p).name.rsplit(".", 2)[0] for p in paths}, [*map(data, receipts)], []
    for p in paths: say(f"{p}: " + ("trust files from outside" if policy
         and parties else "self-consistent, trust not established")); vars(A).clear(); vars(A).update(data=data(p),
         outside=(data(policy), data(parties)), since=data(since), receipts=given, tenders=tenders,
         ledger=data(ledger)); faults.append(run(say))
    first = next(filter(None, faults), None); return (3, f"V{first[0]}", first[1]) if first else (0, None, "all steps hold")
if __name__ == "__main__":
    cli = argparse.ArgumentParser(prog="reader"); cli.add_argument("paths", nargs="+", metavar="FILE")
    for option in ("--policy", "--parties", "--since", "--ledger"): cli.add_argument(option)
    cli.add_argument("--receipt", nargs="+", action="extend", default=[], dest="receipts")
    try: sys.exit(read(**vars(cli.parse_args()), say=print)[0])
    except OSError as e: cli.error(str(e))
