// Runs a launch: groups one after the other, warps in turns between barriers, with checks of every access.
#include "machine.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <random>

namespace ptx {
Settings settings;

// ---- troubles ----
struct Trouble {
  std::string kind, where, detail;
  u64 count = 0;
};
static std::mutex troubleLock;
static std::vector<Trouble> troubles;
static std::map<std::string, size_t> troubleAt;
void trouble(const std::string& kind, const std::string& where, const std::string& detail) {
  std::lock_guard<std::mutex> hold(troubleLock);
  auto it = troubleAt.find(kind + "|" + where);
  if (it != troubleAt.end()) {
    ++troubles[it->second].count;
    return;
  }
  troubleAt[kind + "|" + where] = troubles.size();
  troubles.push_back({kind, where, detail, 1});
  if (troubles.size() < 200)
    fprintf(stderr, "[ptx] %s: %s %s\n", kind.c_str(), where.c_str(), detail.c_str());
}
u64 troubleCount() {
  std::lock_guard<std::mutex> hold(troubleLock);
  return troubles.size();
}
void dumpTroubles(FILE* f) {
  std::lock_guard<std::mutex> hold(troubleLock);
  for (auto& t : troubles)
    fprintf(f, "%s\t%s\t%s\t%llu times\n", t.kind.c_str(), t.where.c_str(), t.detail.c_str(),
            (unsigned long long)t.count);
}
std::string where(const Warp& w, const Ins& n) {
  return w.group->launch->label + " line " + std::to_string(n.line) + " `" + n.text + "`";
}
static std::string whose(const Warp& w, int lane) {
  auto* g = w.group;
  char b[160];
  snprintf(b, sizeof b, "group (%llu,%llu,%llu) warp %d lane %d", (unsigned long long)g->id[0],
           (unsigned long long)g->id[1], (unsigned long long)g->id[2], w.number, lane);
  return b;
}

// ---- addresses ----
static inline u64 addressOf(const Warp& w, const Ins& n, int l) {
  u64 a = n.base < 0 ? 0 : n.base64 ? ((u64*)(w.r + n.base))[l] : ((u32*)(w.r + n.base))[l];
  return a + (u64)n.offset;
}

static const Range* rangeOf(Group& g, u64 a, u64 bytes) {
  auto& r = g.launch->ranges;
  if (g.lastRange < (int)r.size() && a >= r[g.lastRange].lo && a + bytes <= r[g.lastRange].hi)
    return &r[g.lastRange];
  int lo = 0, hi = (int)r.size() - 1;
  while (lo <= hi) {
    int mid = (lo + hi) / 2;
    if (a < r[mid].lo)
      hi = mid - 1;
    else if (a >= r[mid].hi)
      lo = mid + 1;
    else {
      if (a + bytes > r[mid].hi) return nullptr;
      g.lastRange = mid;
      return &r[mid];
    }
  }
  return nullptr;
}
static std::string nearest(Group& g, u64 a) {
  std::string s;
  char b[200];
  const Range* best = nullptr;
  u64 d = ~0ull;
  for (auto& r : g.launch->ranges) {
    u64 x = a < r.lo ? r.lo - a : a - r.hi;
    if (x < d) {
      d = x;
      best = &r;
    }
  }
  if (best) {
    snprintf(b, sizeof b, "address %s argument %d (%llu bytes) by %llu bytes",
             a < best->lo ? "before" : "behind", best->arg,
             (unsigned long long)(best->hi - best->lo), (unsigned long long)d);
    s = b;
  }
  return s;
}

// Distinct 32-byte sectors that the lanes touch.
static u32 sectors(const u64* a, u32 m, u32 bytes) {
  u64 list[256];
  int n = 0;
  for (int l = 0; l < 32; ++l)
    if (m >> l & 1)
      for (u64 s = a[l] >> 5; s <= (a[l] + bytes - 1) >> 5; ++s)
        if (n < 256 && (n == 0 || list[n - 1] != s)) list[n++] = s;
  std::sort(list, list + n);
  return std::unique(list, list + n) - list;
}
// Turns that shared memory takes: each bank gives one word of 4 bytes a turn.
static u32 turns(const u64* a, u32 m, u32 bytes) {
  int lanesAtOnce = bytes <= 4 ? 32 : bytes == 8 ? 16 : 8;
  u32 total = 0;
  for (int first = 0; first < 32; first += lanesAtOnce) {
    u64 seen[32][32];
    int count[32] = {};
    int most = 0;
    for (int l = first; l < first + lanesAtOnce; ++l)
      if (m >> l & 1)
        for (u64 word = a[l] >> 2; word <= (a[l] + bytes - 1) >> 2; ++word) {
          int bank = word & 31;
          int k = 0;
          while (k < count[bank] && seen[bank][k] != word) ++k;
          if (k == count[bank] && k < 32) {
            seen[bank][count[bank]++] = word;
            most = std::max(most, count[bank]);
          }
        }
    total += most;
  }
  return total;
}

static void noteGlobal(Warp& w, const u64* a, u32 m, u32 bytes, bool load) {
  Group& g = *w.group;
  if (!g.sampled) return;
  if (load)
    for (int l = 0; l < 32; ++l)
      if (m >> l & 1)
        for (u64 s = a[l] >> 5; s <= (a[l] + bytes - 1) >> 5; ++s)
          if (g.touched.empty() || g.touched.back() != s) g.touched.push_back(s);
  auto& s = g.stat->mem;
  ++s.requests;
  s.lanes += __builtin_popcount(m);
  s.units += sectors(a, m, bytes);
  s.ideal += (__builtin_popcount(m) * bytes + 31) / 32;
}
static void noteShared(Warp& w, const u64* a, u32 m, u32 bytes) {
  Group& g = *w.group;
  if (!g.sampled) return;
  auto& s = g.stat->mem;
  ++s.requests;
  s.lanes += __builtin_popcount(m);
  s.units += turns(a, m, bytes);
  s.ideal += std::max<u32>(1, (__builtin_popcount(m) * bytes + 127) / 128);
}

// ---- races in shared memory ----
static void readCells(Warp& w, const Ins& n, int lane, u64 a, u32 bytes) {
  Group& g = *w.group;
  u16 me = w.number * 32 + lane;
  for (u64 word = a >> 2; word <= (a + bytes - 1) >> 2; ++word) {
    Cell& c = g.cells[word];
    u8 mask = 0;
    for (u32 b = 0; b < 4; ++b)
      if (word * 4 + b >= a && word * 4 + b < a + bytes) mask |= 1 << b;
    if (c.pending == g.serial)
      trouble("reads shared memory while a copy to it is under way", where(w, n), whose(w, lane));
    if (c.written != g.serial || (c.bytes & mask) != mask)
      trouble("reads shared memory that was never written", where(w, n),
              whose(w, lane) + " byte " + std::to_string(a));
    else if (c.writer != me && c.writeEpoch == g.epoch) {
      if (c.writer / 32 != w.number)
        trouble("race: reads what another warp writes", where(w, n),
                whose(w, lane) + " writer " + std::to_string(c.writer));
      else if (c.writeWarpEpoch == w.warpEpoch)
        trouble("race in a warp: reads what another lane writes", where(w, n), whose(w, lane));
    }
    if (c.readEpoch != g.epoch) {
      c.readEpoch = g.epoch;
      c.reader = me;
      c.readerMany = 0;
    } else if (c.reader != me)
      c.readerMany |= c.reader / 32 == w.number ? 1 : 2;
    c.readWarpEpoch = w.warpEpoch;
  }
}
static void writeCells(Warp& w, const Ins& n, int lane, u64 a, u32 bytes, bool begins,
                       bool arrives) {
  Group& g = *w.group;
  u16 me = w.number * 32 + lane;
  for (u64 word = a >> 2; word <= (a + bytes - 1) >> 2; ++word) {
    Cell& c = g.cells[word];
    u8 mask = 0;
    for (u32 b = 0; b < 4; ++b)
      if (word * 4 + b >= a && word * 4 + b < a + bytes) mask |= 1 << b;
    if (c.pending == g.serial && !arrives)
      trouble("writes shared memory while a copy to it is under way", where(w, n), whose(w, lane));
    if (c.readEpoch == g.epoch) {
      if (c.reader / 32 != w.number || (c.readerMany & 2))
        trouble("race: writes what another warp reads", where(w, n),
                whose(w, lane) + " reader " + std::to_string(c.reader));
      else if ((c.reader != me || (c.readerMany & 1)) && c.readWarpEpoch == w.warpEpoch)
        trouble("race in a warp: writes what another lane reads", where(w, n), whose(w, lane));
    }
    if (c.written == g.serial && c.writer != me && c.writeEpoch == g.epoch && (c.bytes & mask)) {
      if (c.writer / 32 != w.number)
        trouble("race: writes what another warp writes", where(w, n),
                whose(w, lane) + " writer " + std::to_string(c.writer));
      else if (c.writeWarpEpoch == w.warpEpoch)
        trouble("race in a warp: writes what another lane writes", where(w, n), whose(w, lane));
    }
    if (c.written != g.serial) {
      c.written = g.serial;
      c.bytes = 0;
    }
    if (!begins) c.bytes |= mask;
    c.writer = me;
    c.writeEpoch = g.epoch;
    c.writeWarpEpoch = w.warpEpoch;
    if (begins) c.pending = g.serial;
    if (arrives) c.pending = 0;
  }
}

// ---- races between groups in global memory ----
static void globalShadow(Warp& w, const Ins& n, const Range* r, u64 a, u32 bytes, bool write) {
  if (!r->shadow) return;
  Shadow& s = *r->shadow;
  Group& g = *w.group;
  u32 launch = g.launch->number, me = (u32)g.linear;
  if (s.launchW.empty()) {
    size_t words = s.bytes / 4 + 1;
    s.launchW.assign(words, 0);
    s.groupW.assign(words, 0);
    s.launchR.assign(words, 0);
    s.groupR.assign(words, 0);
  }
  if (bytes < 4) return;  // neighbours share a word
  for (u64 q = (a - s.base) >> 2; q <= (a + bytes - 1 - s.base) >> 2; ++q) {
    if (s.launchW[q] == launch && s.groupW[q] != me)
      trouble(write ? "two groups write the same place" : "a group reads what another writes",
              where(w, n),
              whose(w, 0) + " other group " + std::to_string(s.groupW[q]) + " argument " +
                  std::to_string(r->arg));
    if (n.nc && s.launchW[q] == launch && s.groupW[q] == me)
      trouble("ld.global.nc of what the launch has written", where(w, n), whose(w, 0));
    if (write) {
      if (s.launchR[q] == launch && s.groupR[q] != me)
        trouble("a group writes what another reads", where(w, n),
                whose(w, 0) + " other group " + std::to_string(s.groupR[q]) + " argument " +
                    std::to_string(r->arg));
      s.launchW[q] = launch;
      s.groupW[q] = me;
    } else {
      if (s.launchR[q] == launch && s.groupR[q] != me)
        s.groupR[q] = 0xFFFFFFFFu;
      else {
        s.launchR[q] = launch;
        s.groupR[q] = me;
      }
    }
  }
}

// ---- loads and stores ----
static inline u64 element(const u8* p, int size, bool sext) {
  switch (size) {
    case 1: return sext ? (u64)(i64) * (const i8*)p : *p;
    case 2: {
      u16 v;
      memcpy(&v, p, 2);
      return sext ? (u64)(i64)(i16)v : v;
    }
    case 4: {
      u32 v;
      memcpy(&v, p, 4);
      return sext ? (u64)(i64)(i32)v : v;
    }
    default: {
      u64 v;
      memcpy(&v, p, 8);
      return v;
    }
  }
}
static inline void setRegister(Warp& w, int o, int l, bool wide, int size, u64 v) {
  if (wide)
    ((u64*)(w.r + o))[l] = v;
  else
    ((u32*)(w.r + o))[l] = size == 2 ? (u32)v & 0xFFFF : (u32)v;
}
static inline u64 getRegister(Warp& w, int o, int l, bool wide) {
  return wide ? ((u64*)(w.r + o))[l] : ((u32*)(w.r + o))[l];
}

static u8* resolve(Warp& w, const Ins& n, int l, u64 a, u32 bytes, Space space, bool write) {
  Group& g = *w.group;
  if (a & (bytes - 1)) {
    trouble(
        "misaligned access", where(w, n),
        whose(w, l) + " address % " + std::to_string(bytes) + " = " + std::to_string(a % bytes));
  }
  switch (space) {
    case GLOBAL:
    case CONSTANT: {
      const Range* r = rangeOf(g, a, bytes);
      if (!r) {
        trouble(
            write ? "writes outside the arguments' memory" : "reads outside the arguments' memory",
            where(w, n), whose(w, l) + " " + nearest(g, a));
        return nullptr;
      }
      if (r->arg >= 0) {
        g.stat->argsSeen |= 1ull << (r->arg & 63);
        if (settings.globalRaces) globalShadow(w, n, r, a, bytes, write);
      }
      return (u8*)a;
    }
    case SHARED:
      if (a + bytes > g.sharedBytes || a + bytes < a) {
        trouble("accesses shared memory that it has not", where(w, n),
                whose(w, l) + " byte " + std::to_string(a));
        return nullptr;
      }
      if (settings.races) {
        if (write)
          writeCells(w, n, l, a, bytes, false, false);
        else
          readCells(w, n, l, a, bytes);
      }
      return g.shared.data() + a;
    case LOCAL:
      if (a + bytes > g.kernel->localBytes) {
        trouble("accesses private memory that it has not", where(w, n), whose(w, l));
        return nullptr;
      }
      return w.local.data() + (size_t)l * g.kernel->localBytes + a;
    case PARAM:
      if (a + bytes > g.launch->params.size()) {
        trouble("reads behind the parameters", where(w, n), "");
        return nullptr;
      }
      return g.launch->params.data() + a;
    default:
      if (a >> 56 == LOCAL_TAG >> 56) return resolve(w, n, l, a - LOCAL_TAG, bytes, LOCAL, write);
      if (a >> 56 == SHARED_TAG >> 56)
        return resolve(w, n, l, a - SHARED_TAG, bytes, SHARED, write);
      return resolve(w, n, l, a, bytes, GLOBAL, write);
  }
}

template <Space SPACE, bool LOAD>
static void access(Warp& w, const Ins& n, u32 m) {
  u64 a[32];
  u32 bytes = n.size * n.vec;
  if (SPACE == PARAM && LOAD) {
    u8* p = resolve(w, n, 0, (u64)n.offset, n.size, PARAM, false);
    for (int v = 0; v < n.vec; ++v) {
      u64 x = element(p + v * n.size, n.size, n.sext);
      for (int l = 0; l < 32; ++l)
        if (m >> l & 1) setRegister(w, n.o[v], l, n.wide, n.size, x);
    }
    return;
  }
  for (int l = 0; l < 32; ++l) a[l] = addressOf(w, n, l);
  if (SPACE == GLOBAL) noteGlobal(w, a, m, bytes, LOAD);
  if (SPACE == SHARED) noteShared(w, a, m, bytes);
  u8* from[32];
  for (int l = 0; l < 32; ++l)
    if (m >> l & 1) from[l] = resolve(w, n, l, a[l], bytes, SPACE, !LOAD);
  for (int v = 0; v < n.vec; ++v) {
    int o = n.o[v];
    for (int l = 0; l < 32; ++l)
      if (m >> l & 1) {
        u8* p = from[l] ? from[l] + v * n.size : nullptr;
        if (LOAD)
          setRegister(w, o, l, n.wide, n.size,
                      p ? element(p, n.size, n.sext) : 0x7FF7DEAD7FF7DEADull);
        else if (p) {
          u64 x = getRegister(w, o, l, n.wide);
          memcpy(p, &x, n.size);
        }
      }
  }
}
Fn loadFunction(Space s) {
  switch (s) {
    case GLOBAL: return access<GLOBAL, true>;
    case SHARED: return access<SHARED, true>;
    case LOCAL: return access<LOCAL, true>;
    case PARAM: return access<PARAM, true>;
    case CONSTANT: return access<CONSTANT, true>;
    default: return access<GENERIC, true>;
  }
}
Fn storeFunction(Space s) {
  switch (s) {
    case GLOBAL: return access<GLOBAL, false>;
    case SHARED: return access<SHARED, false>;
    case LOCAL: return access<LOCAL, false>;
    default: return access<GENERIC, false>;
  }
}

static void ldmatrix(Warp& w, const Ins& n, u32 m) {
  Group& g = *w.group;
  if (m != ~0u)
    trouble("warp instruction with lanes missing", where(w, n), "mask " + std::to_string(m));
  u64 a[32];
  for (int l = 0; l < 32; ++l) a[l] = addressOf(w, n, l);
  if (g.sampled) {
    auto& s = g.stat->mem;
    ++s.requests;
    s.lanes += 32;
    s.ideal += n.vec;
    for (int v = 0; v < n.vec; ++v) {
      u64 t[32];
      for (int l = 0; l < 8; ++l) t[l] = a[8 * v + l];
      s.units += turns(t, 0xFF, 16);
    }
  }
  static const u8 poison[16] = {0xF7, 0x7F, 0xF7, 0x7F, 0xF7, 0x7F, 0xF7, 0x7F,
                                0xF7, 0x7F, 0xF7, 0x7F, 0xF7, 0x7F, 0xF7, 0x7F};
  for (int v = 0; v < n.vec; ++v) {
    const u8* row[8];
    for (int q = 0; q < 8; ++q) {
      row[q] = resolve(w, n, 8 * v + q, a[8 * v + q], 16, SHARED, false);
      if (!row[q]) row[q] = poison;
    }
    u32* d = (u32*)(w.r + n.o[v]);
    u32 out[32];
    for (int l = 0; l < 32; ++l) {
      u16 x, y;
      if (!n.sext) {
        memcpy(&x, row[l / 4] + 4 * (l % 4), 2);
        memcpy(&y, row[l / 4] + 4 * (l % 4) + 2, 2);
      } else {
        memcpy(&x, row[2 * (l % 4)] + 2 * (l / 4), 2);
        memcpy(&y, row[2 * (l % 4) + 1] + 2 * (l / 4), 2);
      }
      out[l] = x | (u32)y << 16;
    }
    for (int l = 0; l < 32; ++l)
      if (m >> l & 1) d[l] = out[l];
  }
}
Fn ldmatrixFunction() { return ldmatrix; }

// ---- copies in the background ----
static void arrive(Warp& w, PendingCopy& c) {
  Group& g = *w.group;
  u8* to = g.shared.data() + c.to;
  if (settings.races && !settings.early) writeCells(w, *c.ins, c.lane, c.to, c.bytes, false, true);
  if (c.taken) memcpy(to, (const u8*)c.from, c.taken);
  if (c.taken < c.bytes) memset(to + c.taken, 0, c.bytes - c.taken);
}
static void copyAsync(Warp& w, const Ins& n, u32 m) {
  Group& g = *w.group;
  u64 from[32], to[32];
  i64 fromOffset = n.args[0].first;
  for (int l = 0; l < 32; ++l) {
    from[l] = (n.o[0] < 0 ? 0
               : n.o[1]   ? ((u64*)(w.r + n.o[0]))[l]
                          : ((u32*)(w.r + n.o[0]))[l]) +
              (u64)fromOffset;
    to[l] = addressOf(w, n, l);
  }
  u32 reads = 0;
  for (int l = 0; l < 32; ++l)
    if (m >> l & 1) {
      u32 taken = n.o[2] < 0 ? n.size : ((u32*)(w.r + n.o[2]))[l];
      if (taken > n.size) {
        trouble("copy takes more than it stores", where(w, n), whose(w, l));
        taken = n.size;
      }
      if (to[l] % n.size) trouble("misaligned access", where(w, n), whose(w, l) + " shared");
      if (from[l] % n.size) trouble("misaligned access", where(w, n), whose(w, l) + " global");
      if (to[l] + n.size > g.sharedBytes) {
        trouble("accesses shared memory that it has not", where(w, n), whose(w, l));
        continue;
      }
      if (taken) {
        reads |= 1u << l;
        const Range* r = rangeOf(g, from[l], taken);
        if (!r) {
          trouble("reads outside the arguments' memory", where(w, n),
                  whose(w, l) + " " + nearest(g, from[l]));
          taken = 0;
        } else {
          if (r->arg >= 0) {
            g.stat->argsSeen |= 1ull << (r->arg & 63);
            if (settings.globalRaces) globalShadow(w, n, r, from[l], taken, false);
          }
        }
      }
      if (settings.races) writeCells(w, n, l, to[l], n.size, !settings.early, false);
      PendingCopy c{(u8)l, (u32)to[l], from[l], n.size, taken, ~0u, &n};
      if (settings.early) {
        arrive(w, c);
      } else
        w.copies.push_back(c);
    }
  if (g.sampled) {
    if (reads) noteGlobal(w, from, reads, n.size, true);
    g.stat->partial += turns(to, m, n.size) - (__builtin_popcount(m) * n.size + 127) / 128;
  }
}
static void commit(Warp& w, const Ins&, u32 m) {
  for (auto& c : w.copies)
    if (c.set == ~0u && m >> c.lane & 1) c.set = w.sets[c.lane];
  for (int l = 0; l < 32; ++l)
    if (m >> l & 1) ++w.sets[l];
}
static void waitCopies(Warp& w, const Ins& n, u32 m) {
  size_t kept = 0;
  for (size_t i = 0; i < w.copies.size(); ++i) {
    auto c = w.copies[i];
    bool due = m >> c.lane & 1 &&
               (n.sext || (c.set != ~0u && (i64)c.set < (i64)w.sets[c.lane] - n.offset));
    if (due)
      arrive(w, c);
    else
      w.copies[kept++] = c;
  }
  w.copies.resize(kept);
}
Fn commitFunction() { return commit; }
Fn waitFunction() { return waitCopies; }
Fn copyFunction() { return copyAsync; }
static void warpBarrier(Warp& w, const Ins& n, u32 m) {
  if (m != w.alive)
    trouble("bar.warp.sync with lanes missing", where(w, n), "mask " + std::to_string(m));
  ++w.warpEpoch;
}
Fn warpBarrierFunction() { return warpBarrier; }

// ---- control ----
enum Outcome { DONE, WAITS };
static Outcome run(Warp& w, int codeIndex, std::vector<Frame>& stack) {
  Group& g = *w.group;
  const Code& code = g.kernel->codes[codeIndex];
  Stat* stats = g.stats->perCode[codeIndex].data();
  const Ins* ins = code.ins.data();
  while (!stack.empty()) {
    Frame& f = stack.back();
    int pc = f.pc, join = f.join;
    u32 mask = f.mask;
    if (!mask) {
      stack.pop_back();
      continue;
    }
    bool reload = false;
    while (!reload) {
      if (pc == join) {
        stack.pop_back();
        break;
      }
      const Ins& n = ins[pc];
      u32 m = n.guard < 0 ? mask : mask & (n.guardNot ? ~w.p[n.guard] : w.p[n.guard]);
      Stat& s = stats[pc];
      ++s.count;
      s.lanes += __builtin_popcount(m);
      switch (n.control) {
        case PLAIN:
          if (m) {
            g.stat = &s;
            n.fn(w, n, m);
          }
          ++pc;
          break;
        case BRANCH:
          if (m == mask)
            pc = n.target;
          else if (!m)
            ++pc;
          else {
            ++s.partial;
            int fall = pc + 1, target = n.target, to = n.join;
            u32 others = mask & ~m;
            if (join == to)
              stack.pop_back();
            else
              f.pc = to;
            if (fall != to) stack.push_back({fall, to, others});
            if (target != to) stack.push_back({target, to, m});
            reload = true;
          }
          break;
        case RETURN:
          for (auto& x : stack) x.mask &= ~m;
          if (codeIndex == 0) w.alive &= ~m;
          mask &= ~m;
          if (!mask) {
            stack.pop_back();
            reload = true;
          } else
            ++pc;
          break;
        case BARRIER:
          if (codeIndex != 0) {
            trouble("barrier in a function that was not inlined", where(w, n), "");
            ++pc;
            break;
          }
          if (m != w.alive)
            trouble("barrier that not all lanes reach", where(w, n),
                    whose(w, 0) + " mask " + std::to_string(m) + " of " + std::to_string(w.alive));
          stack.back().pc = pc + 1;
          return WAITS;
        case CALL:
          if (m) {
            const Code& callee = g.kernel->codes[n.callee];
            size_t lb = g.kernel->localBytes;
            for (int l = 0; l < 32; ++l)
              if (m >> l & 1)
                for (auto& a : n.args)
                  memcpy(w.local.data() + l * lb + callee.frameBase + a.second.first,
                         w.local.data() + l * lb + a.first, a.second.second);
            std::vector<Frame> inner{{0, (int)callee.ins.size(), m}};
            run(w, n.callee, inner);
            for (int l = 0; l < 32; ++l)
              if (m >> l & 1)
                for (auto& a : n.results)
                  memcpy(w.local.data() + l * lb + a.first,
                         w.local.data() + l * lb + callee.frameBase + a.second.first,
                         a.second.second);
          }
          ++pc;
          break;
      }
    }
  }
  return DONE;
}

void execute(Launch& launch, KernelStats& stats) {
  auto start = std::chrono::steady_clock::now();
  Kernel& k = *launch.kernel;
  if (stats.perCode.size() != k.codes.size()) {
    stats.perCode.clear();
    for (auto& c : k.codes) stats.perCode.emplace_back(c.ins.size());
  }
  u64 groups = launch.groups[0] * launch.groups[1] * launch.groups[2],
      items = launch.local[0] * launch.local[1] * launch.local[2];
  int warps = (items + 31) / 32;
  static thread_local Group g;
  static thread_local u64 epoch = 1;
  static thread_local u32 serial = 0;
  g.launch = &launch;
  g.kernel = &k;
  g.stats = &stats;
  g.lastRange = 0;
  g.sharedBytes = k.sharedBytes;
  g.shared.resize(g.sharedBytes + 64);
  if (g.cells.size() < g.sharedBytes / 4 + 4) g.cells.resize(g.sharedBytes / 4 + 4);
  if ((int)g.warps.size() < warps) g.warps.resize(warps);
  auto special = [&](const char* n) { return k.special.at(n).first; };
  int places[12] = {special("%tid.x"),    special("%tid.y"),    special("%tid.z"),
                    special("%ctaid.x"),  special("%ctaid.y"),  special("%ctaid.z"),
                    special("%ntid.x"),   special("%ntid.y"),   special("%ntid.z"),
                    special("%nctaid.x"), special("%nctaid.y"), special("%nctaid.z")};
  for (int q = 0; q < warps; ++q) {
    Warp& w = g.warps[q];
    w.group = &g;
    w.number = q;
    w.registers.assign(k.registerTemplate.begin(), k.registerTemplate.end());
    w.registers.resize(k.registerBytes + 64);
    w.predicates.assign(k.predicates + 1, 0xA5A5A5A5u);
    w.p = w.predicates.data();
    w.local.assign((size_t)32 * k.localBytes, 0xF7);
    w.registers.reserve(k.registerBytes + 128);
    w.r = w.registers.data();
    u32* t[3] = {(u32*)(w.r + places[0]), (u32*)(w.r + places[1]), (u32*)(w.r + places[2])};
    for (int l = 0; l < 32; ++l) {
      u64 item = q * 32 + l;
      t[0][l] = item % launch.local[0];
      t[1][l] = item / launch.local[0] % launch.local[1];
      t[2][l] = item / (launch.local[0] * launch.local[1]);
      for (int d = 0; d < 3; ++d) {
        ((u32*)(w.r + places[6 + d]))[l] = launch.local[d];
        ((u32*)(w.r + places[9 + d]))[l] = launch.groups[d];
      }
    }
    auto wid = k.special.find("%warpid");
    if (wid != k.special.end())
      for (int l = 0; l < 32; ++l) ((u32*)(w.r + wid->second.first))[l] = q;
  }
  u64 step = std::max<u64>(1, groups / settings.sample),
      stride = std::max<u64>(1, (u64)(groups * 0.6180339887));
  auto gcd = [](u64 a, u64 b) {
    while (b) {
      u64 t = a % b;
      a = b;
      b = t;
    }
    return a;
  };
  while (gcd(stride, groups) != 1) ++stride;
  for (u64 turn = 0; turn < groups; ++turn) {
    u64 number = settings.reverse ? groups - 1 - turn : turn;
    if (settings.perf && launch.number > settings.perfAfter)
      number = turn * stride % groups;  // all over the launch, however early it is cut short
    g.linear = number;
    g.id[0] = number % launch.groups[0];
    g.id[1] = number / launch.groups[0] % launch.groups[1];
    g.id[2] = number / (launch.groups[0] * launch.groups[1]);
    g.sampled =
        settings.perf && launch.number > settings.perfAfter ? turn < 12 : number % step == step / 2;
    if (settings.perf && !g.sampled &&
        std::chrono::steady_clock::now() - start >
            std::chrono::milliseconds(launch.number > settings.perfAfter ? 40 : 3000))
      continue;
    if (g.sampled) ++stats.sampledGroups;
    ++stats.ran;
    g.touched.clear();
    g.epoch = ++epoch;
    g.serial = ++serial;
    for (u32 b = 0; b + 1 < g.sharedBytes; b += 2) *(u16*)(g.shared.data() + b) = 0x7FF7;
    for (int q = 0; q < warps; ++q) {
      Warp& w = g.warps[q];
      u64 left = items - q * 32;
      w.alive = left >= 32 ? ~0u : (1u << left) - 1;
      w.waiting = w.done = false;
      w.copies.clear();
      memset(w.sets, 0, sizeof w.sets);
      w.stack.clear();
      w.stack.push_back({0, (int)k.codes[0].ins.size(), w.alive});
      w.warpEpoch = ++epoch;
      for (int d = 0; d < 3; ++d) {
        u32* c = (u32*)(w.r + places[3 + d]);
        for (int l = 0; l < 32; ++l) c[l] = g.id[d];
      }
    }
    int left = warps;
    while (left) {
      for (int q = 0; q < warps; ++q) {
        Warp& w = g.warps[settings.seed ? (q * 7 + settings.seed + turn) % warps : q];
        if (settings.seed && warps % 7 == 0) { /* still every warp: */
        }
        Warp& x = settings.seed ? g.warps[warps - 1 - q] : w;
        if (x.done || x.waiting) continue;
        if (run(x, 0, x.stack) == DONE) {
          x.done = true;
          --left;
          if (!x.copies.empty()) {
            trouble("ends with copies that nothing waits for", launch.label,
                    std::to_string(x.copies.size()));
          }
        } else
          x.waiting = true;
      }
      bool any = false;
      for (int q = 0; q < warps; ++q) any |= g.warps[q].waiting;
      if (g.sampled && !left) {
        std::sort(g.touched.begin(), g.touched.end());
        stats.uniqueSectors += std::unique(g.touched.begin(), g.touched.end()) - g.touched.begin();
      }
      if (any) {
        g.epoch = ++epoch;
        for (int q = 0; q < warps; ++q) {
          g.warps[q].waiting = false;
          g.warps[q].warpEpoch = ++epoch;
        }
      }
    }
  }
  ++stats.launches;
  stats.groups += groups;
  stats.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}
}  // namespace ptx
