import { call, type TestAnswer, type TestApp } from './app.js';
import { claimsOf, type OAuthScene, type SceneClient, type SceneResource } from './oauth-scene.js';

export interface ModelAgent {
  readonly id: string;
  token: string;
  readonly parent?: ModelAgent | undefined;
  /** The edge it was started with, if it was narrowed. */
  readonly edge?: ModelEdge | undefined;
}

export interface ModelEdge {
  readonly id: string;
  readonly source: ModelAgent;
  readonly scopes: ReadonlySet<string>;
  readonly parent?: ModelEdge | undefined;
  /** Undefined for the edge of a narrowed child, which only that child carries. */
  readonly target?: ModelAgent | undefined;
}

export interface ModelMandate {
  readonly token: string;
  readonly agent: ModelAgent;
  /** The edge that its claims name. */
  readonly edge?: ModelEdge | undefined;
  /** Itself and the tokens that it was obtained with. */
  readonly tokens: readonly string[];
  readonly scopes: readonly string[];
  /** False while the edge that it came through has not been answered to whoever made it. */
  readonly isSure: boolean;
}

export interface ModelParts {
  readonly replicas: readonly TestApp[];
  readonly scene: OAuthScene;
  readonly owner: SceneClient;
  readonly ownerToken: string;
  readonly resource: SceneResource;
}

/** What one history has done so far, as its answers say. Whatever an answer has ended stays ended. */
export class World {
  readonly agents: ModelAgent[] = [];
  readonly edges: ModelEdge[] = [];
  readonly mandates: ModelMandate[] = [];
  /** Sessions whose termination, edges and tokens whose revocation has been answered. */
  readonly ended = new Set<string>();
  /** Starts that were refused because something was not active, or not any more when the token was to be released. */
  withheld = 0;
  /** Answers that no history may see. */
  readonly faults: string[] = [];

  constructor(
    readonly parts: ModelParts,
    private readonly totals: Map<string, number>,
  ) {}

  /** Something has really happened. */
  count(what: string): void {
    this.totals.set(what, (this.totals.get(what) ?? 0) + 1);
  }

  /** A runtime request on a replica; every answer that is a failure of the server's own is a fault. */
  ask(replica: number, method: string, path: string, bearer: string, body?: object): Promise<TestAnswer> {
    return this.send(replica, method, `/z/${this.parts.scene.zone}${path}`, { bearer, body });
  }

  async start(replica: number, bearer: string, body: object): Promise<TestAnswer> {
    const answer = await this.ask(replica, 'POST', '/sessions', bearer, body);
    if (answer.body.code === 'session_not_active') this.withheld += 1;
    return answer;
  }

  /** A request of an administrator. */
  administer(replica: number, path: string, body: object): Promise<TestAnswer> {
    const bearer = this.replica(replica).adminToken;
    return this.send(replica, 'POST', `/v1/zones/${this.parts.scene.zone}${path}`, { bearer, body });
  }

  /** Exchanges the agent's session token for a mandate; undefined when that is refused. */
  async exchange(replica: number, agent: ModelAgent, delegation?: string): Promise<ModelMandate | undefined> {
    const { scene, owner, resource } = this.parts;
    const secret = Buffer.from(`${owner.id}:${owner.secret}`).toString('base64');
    const presented = agent.token;
    const response = await fetch(`${this.replica(replica).url}/z/${scene.zone}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${secret}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: presented,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        resource: resource.gateway_url,
        ...(delegation === undefined ? {} : { delegation }),
      }),
    });
    if (response.status >= 500) this.faults.push(`exchange: ${response.status}`);
    const body = (await response.json()) as { access_token: string; scope: string };
    return response.status === 200 ? this.issued(agent, body) : undefined;
  }

  /** One call through the gateway of a replica; answers its status. */
  async use(replica: number, mandate: ModelMandate): Promise<number> {
    const path = new URL(this.parts.resource.gateway_url).pathname;
    const response = await fetch(`${this.replica(replica).url}${path}/x`, {
      headers: { authorization: `Bearer ${mandate.token}` },
    });
    await response.arrayBuffer();
    if (response.status >= 500) this.faults.push(`use: ${response.status}`);
    return response.status;
  }

  replica(n: number): TestApp {
    return this.parts.replicas[n % this.parts.replicas.length] as TestApp;
  }

  /** Whether an answered termination or revocation covers the mandate. */
  isEnded({ agent, edge, tokens }: Pick<ModelMandate, 'agent' | 'edge' | 'tokens'>): boolean {
    return [...tokens, ...dependencies(agent, edge)].some((id) => this.ended.has(id));
  }

  /** A mandate as its claims say; one that says more than the agent can hold is a fault. */
  private issued(
    agent: ModelAgent,
    { access_token: token, scope }: { access_token: string; scope: string },
  ): ModelMandate {
    const claims = claimsOf(token) as { jti: string; ptk?: string[]; dlg?: string; sid: string };
    const edge = this.edges.find((one) => one.id === claims.dlg);
    const isSure = claims.dlg === undefined || edge !== undefined;
    const scopes = scope.split(' ');
    if (isSure) {
      const most = edge ? reachOf(edge) : heldBy(agent);
      const excess = scopes.filter((name) => !most.has(name));
      if (excess.length > 0) this.faults.push(`${agent.id} obtained ${excess.join(' ')} by ${claims.dlg ?? 'itself'}`);
    }
    if (claims.sid !== agent.id) this.faults.push(`${agent.id} obtained a token of ${claims.sid}`);
    return { token, agent, edge, tokens: [claims.jti, ...(claims.ptk ?? [])], scopes, isSure };
  }

  private async send(
    replica: number,
    method: string,
    path: string,
    { bearer, body }: { bearer: string; body?: object | undefined },
  ): Promise<TestAnswer> {
    const headers = { authorization: `Bearer ${bearer}` };
    const answer = await call(this.replica(replica).url, { method, path, body, headers });
    if (answer.status >= 500) this.faults.push(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  }
}

/** An agent and all above it. */
export function lineOf(agent: ModelAgent): ModelAgent[] {
  return [agent, ...(agent.parent ? lineOf(agent.parent) : [])];
}

/** The edge that an agent's own authority came through, if it or anything above it was narrowed. */
function ownEdge(agent: ModelAgent): ModelEdge | undefined {
  return lineOf(agent).find((one) => one.edge)?.edge;
}

/** Ids of all sessions and edges that authority depends on: used by the agent through this edge, or else its own. */
export function dependencies(agent: ModelAgent, edge: ModelEdge | undefined = ownEdge(agent)): string[] {
  const sessions = lineOf(agent).map((one) => one.id);
  return edge ? [...sessions, edge.id, ...dependencies(edge.source, edge.parent)] : sessions;
}

/** What the model lets an edge pass on at most: nothing that any edge or session above it does not have. */
export function reachOf(edge: ModelEdge): ReadonlySet<string> {
  const above = edge.parent ? reachOf(edge.parent) : heldBy(edge.source);
  return new Set([...edge.scopes].filter((scope) => above.has(scope)));
}

export const EVERYTHING: ReadonlySet<string> = new Set(['read', 'write']);

/** What the model lets an agent hold of its own at most. */
export function heldBy(agent: ModelAgent): ReadonlySet<string> {
  const edge = ownEdge(agent);
  return edge ? reachOf(edge) : EVERYTHING;
}
