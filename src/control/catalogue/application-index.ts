import type { ApplicationRow } from '../domain/application.js';
import { applicationView } from './to-views.js';
import type { ApplicationView, CredentialView } from './views.js';

/** Applications with their credentials. A change of either makes the application's view anew. */
export class ApplicationIndex {
  private readonly rows = new Map<string, ApplicationRow>();
  private readonly views = new Map<string, ApplicationView>();
  private readonly credentials = new Map<string, CredentialView>();
  private readonly held = new Map<string, Map<string, CredentialView>>();

  /** Takes changes of both kinds together, so that no view is made of a half. */
  update(
    rows: readonly ApplicationRow[],
    credentials: readonly CredentialView[],
    goneCredentials: readonly string[] = [],
  ): void {
    const touched = new Set<string>();
    for (const row of rows) {
      this.rows.set(row.id, row);
      touched.add(row.id);
    }
    for (const id of goneCredentials) this.drop(id, touched);
    for (const credential of credentials) {
      this.credentials.set(credential.id, credential);
      this.heldBy(credential.application).set(credential.id, credential);
      touched.add(credential.application);
    }
    for (const id of touched) this.rebuild(id);
  }

  application(id: string): ApplicationView | undefined {
    return this.views.get(id);
  }

  credential(id: string): CredentialView | undefined {
    return this.credentials.get(id);
  }

  private drop(id: string, touched: Set<string>): void {
    const credential = this.credentials.get(id);
    if (!credential) return;
    this.credentials.delete(id);
    this.held.get(credential.application)?.delete(id);
    touched.add(credential.application);
  }

  private heldBy(application: string): Map<string, CredentialView> {
    const held = this.held.get(application) ?? new Map<string, CredentialView>();
    this.held.set(application, held);
    return held;
  }

  private rebuild(id: string): void {
    const row = this.rows.get(id);
    if (row) this.views.set(id, applicationView(row, [...(this.held.get(id)?.values() ?? [])]));
  }
}
