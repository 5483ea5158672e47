// The pages of jobs, which the job manager serves.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { router } from './router';
import '../styles/index.css';
import './styles/index.css';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has an element with the id root');

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // The next poll is the next attempt. A server on this machine is reachable without a network, too.
      retry: false,
      networkMode: 'always',
      gcTime: 60_000,
    },
  },
});

createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
