// Keeps an error in one part of the page from taking the rest along.
import { Component, type ReactNode } from 'react';

interface BoundaryProps {
  /** Shown in the place of what cannot be drawn. */
  fallback: ReactNode;
  children: ReactNode;
}

export class Boundary extends Component<BoundaryProps, { failed: boolean }> {
  state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  render() {
    return this.state.failed ? this.props.fallback : this.props.children;
  }
}
