// The pages of results: the first page, dashboards, result tables and alerts.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Refused } from './explore/api';
import { router } from './router';
import './styles/index.css';
import './styles/explore.css';
import './styles/board.css';
import './styles/charts.css';
import './styles/home.css';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has an element with the id root');

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // A mistake stays one; everything else may pass.
      retry: (failures, error) => !(error instanceof Refused && error.status < 500) && failures < 3,
      // Parts of a page that are drawn one after the other ask the same.
      staleTime: 1_000,
      // Answers of earlier moments are not asked for again.
      gcTime: 30_000,
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
