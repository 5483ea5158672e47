// Asks Weir through Flink's JDBC driver, and prints what it gets.

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;

public class Query {
    private static final String TABLE = "CREATE TABLE queries (query_id STRING, `timestamp` STRING, "
        + "moment AS TRY_CAST(REPLACE(REPLACE(`timestamp`, 'T', ' '), 'Z', '') AS TIMESTAMP(3))) "
        + "WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json')";

    public static void main(String[] arguments) throws SQLException {
        String url = "jdbc:flink://" + arguments[0];
        try (Connection connection = DriverManager.getConnection(url); Statement statement = connection.createStatement()) {
            // What connection pools ask first.
            try (ResultSet rows = statement.executeQuery("SELECT 1")) {
                while (rows.next()) {
                    System.out.println("one: " + rows.getInt(1));
                }
            }
            statement.execute(TABLE);
            String query = "SELECT query_id, moment, CAST(1.5 AS DECIMAL(5, 2)) AS price, CAST(NULL AS INT) AS missing "
                + "FROM queries WHERE query_id = 'q-1' LIMIT 1";
            try (ResultSet rows = statement.executeQuery(query)) {
                ResultSetMetaData columns = rows.getMetaData();
                StringBuilder names = new StringBuilder("columns: ");
                for (int i = 1; i <= columns.getColumnCount(); i++) {
                    names.append(i > 1 ? ", " : "").append(columns.getColumnName(i)).append(' ');
                    names.append(columns.getColumnTypeName(i));
                }
                System.out.println(names);
                while (rows.next()) {
                    System.out.println("row: " + rows.getString(1) + ", " + rows.getTimestamp(2) + ", "
                        + rows.getBigDecimal(3) + ", " + rows.getObject(4));
                }
            }
            statement.execute("SET 'table.local-time-zone' = 'Asia/Ho_Chi_Minh'");
            try (ResultSet rows = statement.executeQuery("SELECT TO_TIMESTAMP_LTZ(1767225600500, 3)")) {
                while (rows.next()) {
                    System.out.println("local: " + rows.getTimestamp(1));
                }
            }
            String nested = "SELECT MAP['k', 1] AS m, CAST(ARRAY[1, 2] AS STRING) AS a";
            try (ResultSet rows = statement.executeQuery(nested)) {
                while (rows.next()) {
                    System.out.println("nested: " + rows.getObject(1) + ", " + rows.getObject(2));
                }
            }
            if (statement.execute("SHOW TABLES")) {
                try (ResultSet rows = statement.getResultSet()) {
                    while (rows.next()) {
                        System.out.println("table: " + rows.getString(1));
                    }
                }
            }
            try {
                statement.executeQuery("SELECT * FROM nosuch");
            } catch (Exception error) {
                System.out.println("refused: " + trace(error).contains("Object 'nosuch' not found"));
            }
        }
    }

    private static String trace(Throwable error) {
        return error == null ? "" : error.getMessage() + trace(error.getCause());
    }
}
