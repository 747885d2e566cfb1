/** Follows redirects as a browser does, keeping cookies per host, until an answer is no redirect; at most twenty of them. */
export async function browse(start: string): Promise<Response> {
  const cookies = new Map<string, string>();
  let url = start;
  for (let hop = 0; hop < 20; hop += 1) {
    const { host } = new URL(url);
    const cookie = [...cookies]
      .filter(([key]) => key.startsWith(`${host} `))
      .map(([key, value]) => `${key.split(' ')[1]}=${value}`);
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: cookie.length > 0 ? { cookie: cookie.join('; ') } : {},
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      const key = `${host} ${pair.slice(0, at)}`;
      if (pair.slice(at + 1) === '') cookies.delete(key);
      else cookies.set(key, pair.slice(at + 1));
    }
    const location = answer.headers.get('location');
    if (location === null || answer.status < 300 || answer.status >= 400) return answer;
    await answer.arrayBuffer();
    url = new URL(location, url).href;
  }
  throw new Error('redirected for ever');
}
