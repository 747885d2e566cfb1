import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { REPOSITORY } from './planted-tree.js';

interface Service {
  readonly read_only: boolean;
  readonly init: boolean;
  readonly privileged?: boolean;
  readonly cap_add?: unknown;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly tmpfs: readonly string[];
  readonly volumes: readonly string[];
  readonly ports: readonly string[];
}

interface Profile {
  readonly defaultAction: string;
  readonly syscalls: readonly { readonly names: readonly string[]; readonly action: string; readonly args?: unknown }[];
}

const read = (file: string): string => readFileSync(path.join(REPOSITORY, file), 'utf8');
const { caracal } = (parse(read('docker/compose.yaml')) as { services: { caracal: Service } }).services;
const profile = JSON.parse(read('docker/seccomp.json')) as Profile;
const dockerfile = read('Dockerfile');

describe('the container', () => {
  it('[T12] runs as a user that does not own the program', () => {
    const final = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
    expect(final).toMatch(/^USER node$/m);
    expect(final.match(/^COPY .*--chown/gm)).toBeNull();
  });

  it('[T12] has a read-only root, no capabilities and no way to gain any', () => {
    expect(caracal).toMatchObject({ read_only: true, init: true, cap_drop: ['ALL'] });
    expect(caracal.security_opt).toEqual(['no-new-privileges:true', 'seccomp:seccomp.json']);
    expect([caracal.cap_add, caracal.privileged]).toEqual([undefined, undefined]);
  });

  it('[T12] writes to its volume and to a temporary directory that runs nothing', () => {
    expect(caracal.volumes).toEqual(['data:/data']);
    expect(caracal.tmpfs).toEqual(['/tmp:rw,noexec,nosuid,nodev,size=64m,mode=1777']);
  });

  it('[T12] is reached from the host itself only', () => {
    expect(caracal.ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('[T12] may make the system calls that are listed and no other', () => {
    const refused = ['bpf', 'mount', 'ptrace', 'process_vm_readv', 'setns', 'unshare', 'io_uring_setup', 'keyctl'];
    const allowed = profile.syscalls.filter(({ action }) => action === 'SCMP_ACT_ALLOW').flatMap(({ names }) => names);
    expect(profile.defaultAction).toBe('SCMP_ACT_ERRNO');
    expect(refused.filter((name) => allowed.includes(name))).toEqual([]);
    for (const guarded of ['socket', 'clone']) {
      const open = profile.syscalls.filter(({ names, args }) => names.includes(guarded) && args === undefined);
      expect(open).toEqual([]);
    }
  });
});
