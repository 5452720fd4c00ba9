package io.mosaic.server.worker;

import io.mosaic.server.PageView;
import io.mosaic.server.device.Fleet;
import io.mosaic.server.role.ApiController;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import org.springframework.web.bind.annotation.GetMapping;

@ApiController
@Tag(name = "Workers")
class WorkerController {
    private final Fleet fleet;

    WorkerController(Fleet fleet) {
        this.fleet = fleet;
    }

    @Operation(summary = "Lists the workers of all processes that were seen within the last minute, and what they run")
    @GetMapping("/workers")
    PageView<Fleet.Worker> workers() {
        return PageView.all(fleet.workers());
    }
}
