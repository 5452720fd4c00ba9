package io.mosaic.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.ServiceProcess;
import io.mosaic.fixture.TinyModel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The first start on a home that is not empty. */
class FirstStartTests {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path home;

    @Test
    void modelThatWasPutThereBeforeTheFirstStartTakesThePlaceOfTheDemo() {
        TinyModel.random(1).writeTo(home.resolve("models/own/model"));

        try (ServiceProcess service = ServiceProcess.start(home, ServiceProcess.QUICK_START)) {
            assertThat(service.api().json("/models").path("content"))
                    .extracting(model -> model.path("id").stringValue())
                    .containsExactly("own/model");
            assertThat(service.api().json("/jobs").path("content")).isEmpty();
            assertThat(service.log()).contains("demo job");
        }
    }
}
