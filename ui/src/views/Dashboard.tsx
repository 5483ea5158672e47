// All fifteen analytics, each in the picture that fits it. The grid is in styles/.
import { Departments } from './Departments';
import { Faculties } from './Faculties';
import { FacultyYears } from './FacultyYears';
import { Hours } from './Hours';
import { PopularByYear } from './PopularByYear';
import { PopularQuestions } from './PopularQuestions';
import { ResponseTimes } from './ResponseTimes';
import { StudentYears } from './StudentYears';
import { Success } from './Success';
import { Totals } from './Totals';
import { Traffic } from './Traffic';
import { UserTypes } from './UserTypes';
import { Years } from './Years';

export default function Dashboard() {
  return (
    <div className="dashboard">
      <Totals />
      <div className="panels">
        <Traffic />
        <Success />
        <ResponseTimes />
        <Hours />
        <PopularQuestions />
        <PopularByYear />
        <Departments />
        <UserTypes />
        <Faculties />
        <FacultyYears />
        <Years />
        <StudentYears />
      </div>
    </div>
  );
}
