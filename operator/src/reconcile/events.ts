/** A transition that is no state: what an Event of Kubernetes holds. */
export interface Event {
  type: 'Normal' | 'Warning';
  reason: 'Provisioned' | 'Started' | 'Restarted' | 'Removed' | 'RemoveFailed' | 'OffsetsMayExpire';
  message: string;
}
