/** The name of the tasks extension, which server and client declare (A.8). */

export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks'
