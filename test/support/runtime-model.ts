import { call, type TestAnswer, type TestApp } from './app.js';
import type { OAuthScene, SceneClient, SceneResource } from './oauth-scene.js';

export interface ModelAgent {
  readonly id: string;
  readonly token: string;
  readonly parent?: ModelAgent | undefined;
  /** What it may hold at most: what its parent may, and what it was narrowed to. */
  readonly scopes: ReadonlySet<string>;
}

export interface ModelEdge {
  readonly id: string;
  readonly source: ModelAgent;
  readonly target: ModelAgent;
  readonly scopes: ReadonlySet<string>;
  readonly parent?: ModelEdge | undefined;
}

export interface ModelMandate {
  readonly token: string;
  readonly agent: ModelAgent;
  readonly edge?: ModelEdge | undefined;
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
  /** Sessions whose termination and edges whose revocation has been answered. */
  readonly ended = new Set<string>();
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
  async ask(replica: number, method: string, path: string, bearer: string, body?: object): Promise<TestAnswer> {
    const answer = await call(`${this.replica(replica).url}/z/${this.parts.scene.zone}`, {
      method,
      path,
      body,
      headers: { authorization: `Bearer ${bearer}` },
    });
    if (answer.status >= 500) this.faults.push(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  }

  /** Exchanges the agent's session token for a mandate. */
  async exchange(replica: number, agent: ModelAgent, delegation?: string): Promise<TestAnswer> {
    const { scene, owner, resource } = this.parts;
    const secret = Buffer.from(`${owner.id}:${owner.secret}`).toString('base64');
    const response = await fetch(`${this.replica(replica).url}/z/${scene.zone}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${secret}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: agent.token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        resource: resource.gateway_url,
        ...(delegation === undefined ? {} : { delegation }),
      }),
    });
    if (response.status >= 500) this.faults.push(`exchange: ${response.status}`);
    return { status: response.status, headers: response.headers, body: await response.json() };
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
  isEnded({ agent, edge }: ModelMandate): boolean {
    const sessions = [...lineOf(agent), ...edgesOf(edge).flatMap((one) => lineOf(one.source))];
    return sessions.some((one) => this.ended.has(one.id)) || edgesOf(edge).some((one) => this.ended.has(one.id));
  }
}

/** An agent and all above it. */
export function lineOf(agent: ModelAgent): ModelAgent[] {
  return [agent, ...(agent.parent ? lineOf(agent.parent) : [])];
}

/** An edge and all above it. */
export function edgesOf(edge: ModelEdge | undefined): ModelEdge[] {
  return edge ? [edge, ...edgesOf(edge.parent)] : [];
}
