/** Rejects after `ms` milliseconds, with `late` as its message; what was asked may still happen. */
export async function within<T>(ms: number, asked: Promise<T>, late = 'command timed out'): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(late)), ms);
  });
  try {
    return await Promise.race([asked, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
