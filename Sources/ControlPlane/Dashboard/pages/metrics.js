// Counters of /metrics (the text format of Prometheus), and how fast they grow.

// "name{label="value"} 12" lines of some names, as {name, labels, value}.
export function read(text, names) {
  return text.split("\n").filter((line) => names.some((name) => line.startsWith(`${name}{`)))
    .map((line) => {
      const [, name, inside, value] = line.match(/^(\w+)\{(.*)\} (\S+)/) ?? [];
      const labels = Object.fromEntries([...(inside ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
        .map(([, key, text]) => [key, text.replace(/\\(.)/g, (_, mark) => (mark === "n" ? "\n" : mark))]));
      return {name, labels, value: Number(value)};
    });
}

// Sums of counters by a key, at two moments: how much a second each has grown.
export class Rates {
  #before = null;

  // Returns a map of key → rate, or null the first time and after a restart of the node.
  take(sums, now) {
    const before = this.#before;
    this.#before = {sums, now};
    if (!before || now <= before.now) return null;
    const seconds = (now - before.now) / 1000;
    const rates = new Map();
    for (const [key, sum] of sums) {
      const grown = sum - (before.sums.get(key) ?? 0);
      if (grown < 0) return null;
      rates.set(key, grown / seconds);
    }
    return rates;
  }
}
