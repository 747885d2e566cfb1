/**
 * What waits to be written, first come, first served within a zone; the zones share each group, so that one of which much waits does not hold up the
 * others, nor fill the queue alone.
 */
export class FairQueue<Item> {
  /** In the order in which the zones are served. A zone of which nothing waits is not in it. */
  private readonly zones = new Map<string, Item[]>();
  private count = 0;

  constructor(private readonly capacity: number) {}

  get length(): number {
    return this.count;
  }

  /** True when there is no room for more of this zone: one zone may fill half of the queue. */
  isFullFor(zone: string): boolean {
    return this.count >= this.capacity || (this.zones.get(zone)?.length ?? 0) >= this.capacity / 2;
  }

  push(zone: string, item: Item): void {
    const items = this.zones.get(zone);
    if (items) items.push(item);
    else this.zones.set(zone, [item]);
    this.count += 1;
  }

  /** The next group: an equal share of each zone, and more of those of which more waits, while there is room. */
  take(most: number): Item[] {
    const taken: Item[] = [];
    const share = Math.max(1, Math.floor(most / Math.max(1, this.zones.size)));
    // A zone that is put back comes last, and is met again when there is room left.
    for (const [zone, items] of this.zones) {
      if (taken.length >= most) break;
      taken.push(...items.splice(0, Math.min(share, most - taken.length)));
      this.zones.delete(zone);
      if (items.length > 0) this.zones.set(zone, items);
    }
    this.count -= taken.length;
    return taken;
  }
}
