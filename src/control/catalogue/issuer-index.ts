import type { SubjectIssuerRow } from '../domain/subject-issuer.js';
import { subjectIssuerView } from './to-views.js';
import type { SubjectIssuerView } from './views.js';

/** The zone's OpenID providers by issuer identifier; an archived one is forgotten, and its identifier may be another one's by then. */
export class IssuerIndex {
  private readonly byIssuer = new Map<string, SubjectIssuerView>();

  issuer(identifier: string): SubjectIssuerView | undefined {
    return this.byIssuer.get(identifier);
  }

  put(row: SubjectIssuerRow): void {
    if (row.status === 'active') this.byIssuer.set(row.issuer, subjectIssuerView(row));
    else if (this.byIssuer.get(row.issuer)?.id === row.id) this.byIssuer.delete(row.issuer);
  }
}
