package millrace;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/** `ts` (Unix seconds) and `uid` in the root of a JSON frame. */
record Frame(long ts, String uid) {
    private static final JsonFactory JSON =
            new JsonFactoryBuilder().configure(JsonFactory.Feature.INTERN_FIELD_NAMES, false).build();

    /** Stops at the second of the two fields; null when the frame is malformed or lacks one of them. */
    static Frame parse(byte[] json) {
        long ts = -1;
        String uid = null;
        try (var parser = JSON.createParser(json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) return null;
            String name;
            while ((name = parser.nextFieldName()) != null) {
                JsonToken value = parser.nextToken();
                if (name.equals("ts")) {
                    ts = value == JsonToken.VALUE_STRING ? Long.parseLong(parser.getText()) : parser.getLongValue();
                } else if (name.equals("uid") && value == JsonToken.VALUE_STRING) {
                    uid = parser.getText();
                } else {
                    parser.skipChildren();
                }
                if (ts >= 0 && uid != null) return new Frame(ts, uid);
            }
            return null;
        } catch (IOException | NumberFormatException e) {
            return null;
        }
    }
}
